#pragma once
/*
 * What the board of board_print_test.c looks like, read and judged by eye: a wide terminal, the
 * standard one, a narrow one, the summary line, JSON.
 */

#define GOLD_WIDE                                                                              \
	"porthole on node-1  lost 7 events  12:03:04  up 1m 23s  self 0.2 % CPU, 22 MiB\n"     \
	"118 processes  CPU 75.1 %  203k events/s: 20 processes started, 2450 files opened, 2" \
	"00k connections, 51 errors a second\n"                                                \
	"\n"                                                                                   \
	"WHO                                                    PROCS   CPU %   MEMORY  FORK/" \
	"s  EXEC/s  OPEN/s  CONN/s ERROR/s EVENT/s\n"                                          \
	"shop/cart-7d9f/app                                        12    75.0  123 MiB      2" \
	"0      10    2450     5.0      51    2555\n"                                          \
	"pod 1b2c3d4e-0000-4000-8000-000000000002/0123456789ab      1     0.1        -       " \
	"0       0     0.5       0       0     0.5\n"                                          \
	"nginx.service                                              3     0.0        -       " \
	"0       0       0    200k       0    200k\n"                                          \
	"/                                                        100       -        -       " \
	"0       0       0       0       0       0\n"                                          \
	"cgroup 5                                                   1       -        -       " \
	"0       0       0       0       0       0\n"                                          \
	"a\\x1b[2J\\nb\\xff\"\\\\                                         1       -        - " \
	"      0       0       0       0       0       0\n"

#define GOLD_STANDARD                                                                        \
	"porthole on node-1  lost 7 events  12:03:04  up 1m 23s  self 0.2 % CPU, 22 MiB\n"   \
	"118 processes  CPU 75.1 %  203k events/s: 20 processes started, 2450 files opene\n" \
	"\n"                                                                                 \
	"WHO                       PROCS   CPU %   MEMORY  EXEC/s  OPEN/s  CONN/s EVENT/s\n" \
	"shop/cart-7d9f/app           12    75.0  123 MiB      10    2450     5.0    2555\n" \
	"..000000002/0123456789ab      1     0.1        -       0     0.5       0     0.5\n" \
	"nginx.service                 3     0.0        -       0       0    200k    200k\n" \
	"... and 3 more\n"

#define GOLD_NARROW                                  \
	"porthole on node-1  lost 7 events  12:03\n" \
	"118 processes  CPU 75.1 %  203k events/s\n" \
	"\n"                                         \
	"WHO                        CPU % EVENT/s\n" \
	"shop/cart-7d9f/app          75.0    2555\n" \
	"..000000002/0123456789ab     0.1     0.5\n" \
	"... and 4 more\n"

#define GOLD_LINE                                                                              \
	"12:03:04  6 groups: 40 processes started, 20 programs run, CPU 75.1 %, 4901 files op" \
	"ened, 400010 connections, 102 errors, 203k events/s, 7 lost | shop/cart-7d9f/app CPU" \
	" 75.0 % 2555 events/s | pod 1b2c3d4e-0000-4000-8000-000000000002/0123456789ab CPU 0." \
	"1 % 0.5 events/s | nginx.service CPU 0.0 % 200k events/s\n"

#define GOLD_JSON                                                                              \
	"{\"type\":\"row\",\"evt.time\":1700000000000000000,\"evt.hostname\":\"node-1\",\"int" \
	"erval\":2000000000,\"scope\":\"container\",\"k8s.ns.name\":\"shop\",\"k8s.pod.name"   \
	"\":\"cart-7d9f\",\"k8s.pod.uid\":\"1b2c3d4e-0000-4000-8000-000000000001\",\"containe" \
	"r.id\":\"aaaabbbbcccc\",\"container.full_id\":\"aaaabbbbccccddddeeee\",\"container.n" \
	"ame\":\"app\",\"container.image\":\"cart:1\",\"procs\":12,\"count.fork\":40,\"errors" \
	".fork\":0,\"count.exec\":20,\"errors.exec\":0,\"count.exit\":38,\"errors.exit\":1,"   \
	"\"count.open\":5000,\"errors.open\":100,\"count.connect\":10,\"errors.connect\":2,"   \
	"\"count.accept\":2,\"errors.accept\":0,\"cpu\":1500000000,\"memory\":128974848}\n"    \
	"{\"type\":\"row\",\"evt.time\":1700000000000000000,\"evt.hostname\":\"node-1\",\"int" \
	"erval\":2000000000,\"scope\":\"container\",\"k8s.pod.uid\":\"1b2c3d4e-0000-4000-8000" \
	"-000000000002\",\"container.id\":\"0123456789ab\",\"container.full_id\":\"0123456789" \
	"abcdef\",\"thread.cgroup\":\"/kubepods/b\",\"procs\":1,\"count.fork\":0,\"errors.for" \
	"k\":0,\"count.exec\":0,\"errors.exec\":0,\"count.exit\":0,\"errors.exit\":0,\"count." \
	"open\":1,\"errors.open\":0,\"count.connect\":0,\"errors.connect\":0,\"count.accept"   \
	"\":0,\"errors.accept\":0,\"cpu\":2000000}\n"                                          \
	"{\"type\":\"row\",\"evt.time\":1700000000000000000,\"evt.hostname\":\"node-1\",\"int" \
	"erval\":2000000000,\"scope\":\"unit\",\"systemd.unit\":\"nginx.service\",\"thread.cg" \
	"roup\":\"/system.slice/nginx.service\",\"procs\":3,\"count.fork\":0,\"errors.fork\":" \
	"0,\"count.exec\":0,\"errors.exec\":0,\"count.exit\":0,\"errors.exit\":0,\"count.open" \
	"\":0,\"errors.open\":0,\"count.connect\":0,\"errors.connect\":0,\"count.accept\":400" \
	"000,\"errors.accept\":0,\"cpu\":0}\n"                                                 \
	"{\"type\":\"node\",\"evt.time\":1700000000000000000,\"evt.hostname\":\"node-1\",\"in" \
	"terval\":2000000000,\"lost\":7,\"procs\":118,\"count.fork\":40,\"errors.fork\":0,\"c" \
	"ount.exec\":20,\"errors.exec\":0,\"count.exit\":38,\"errors.exit\":1,\"count.open\":" \
	"5001,\"errors.open\":100,\"count.connect\":10,\"errors.connect\":2,\"count.accept\":" \
	"400002,\"errors.accept\":0,\"cpu\":1502000000}\n"                                     \
	"{\"type\":\"totals\",\"evt.time\":1700000000000000000,\"evt.hostname\":\"node-1\","   \
	"\"interval\":83000000000,\"lost\":7,\"procs\":118,\"count.fork\":0,\"errors.fork\":0" \
	",\"count.exec\":0,\"errors.exec\":0,\"count.exit\":0,\"errors.exit\":0,\"count.open"  \
	"\":70001,\"errors.open\":1000,\"count.connect\":0,\"errors.connect\":0,\"count.accep" \
	"t\":0,\"errors.accept\":0,\"cpu\":9002000000}\n"
