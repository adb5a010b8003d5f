#!/usr/bin/python3
"""app.py PORT SECONDS: what the benign script's server is: files of /srv/site, a counter on disk."""
import http.server
import os
import sqlite3
import sys
import threading

os.chdir('/srv/site')


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        with open('/data/logs/requests.txt', 'a') as f:
            f.write(self.path + '\n')


db = sqlite3.connect('/data/app.db')
db.execute('create table if not exists starts (at integer)')
db.execute('insert into starts values (1)')
db.commit()
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
with open('/data/logs/started', 'w') as started:
    started.write('yes')
threading.Timer(float(sys.argv[2]), server.shutdown).start()
server.serve_forever()
