CREATE DATABASE shop;
CREATE USER 'shop'@'%' IDENTIFIED BY 'secret';
GRANT ALL ON *.* TO 'shop'@'%';
