"""Redis: both versions of its protocol."""
import shlex
import threading
import time

import lab

PORT = 6379


def redis(*argv):
    lab.need('redis-server', 'redis-cli')
    lab.serve(['redis-server', '--port', str(PORT), '--save', '', '--dir', lab.folder(), *argv], PORT)


def cli(*argv, input=None, ok=(0,)):
    return lab.client(['redis-cli', '-p', str(PORT), *argv], input=input, ok=ok)


def command(*words):
    return ''.join(['*%d\r\n' % len(words)] + ['$%d\r\n%s\r\n' % (len(w), w) for w in words])


COMMANDS = '''PING
SET user:42:name Ada
GET user:42:name
GET nothing
EXISTS user:42:name nothing
INCR counter
INCRBYFLOAT ratio 0.5
EXPIRE user:42:name 100
HSET user:42 name Ada age 36
HGETALL user:42
LPUSH queue a b c
LRANGE queue 0 -1
ZADD board 1 a 2.5 b
ZRANGE board 0 -1 WITHSCORES
SADD tags x y
SMEMBERS tags
MSET k1 v1 k2 v2
MGET k1 k2 k3
SET user:42:name Bob NX
EVAL "return {1,'two',{3}}" 0
XADD log * level info
XRANGE log - +
CONFIG GET maxmemory
CLIENT SETNAME shop
DEL k1 k2
INCR user:42:name
NOSUCHCOMMAND a
GET
HGET queue x
'''


def resp2():
    """Commands of all types and their errors, one after the other."""
    redis()
    with lab.capture(PORT):
        c = lab.Raw(PORT)
        for line in COMMANDS.splitlines():
            c.say(command(*shlex.split(line)), 0.03)
        c.close()


def resp3():
    """HELLO 3: maps, sets, doubles, nulls, booleans, pushes of tracked keys."""
    redis()
    with lab.capture(PORT):
        c = lab.Raw(PORT)
        c.say(command('HELLO', '3'))
        for line in COMMANDS.splitlines():
            c.say(command(*shlex.split(line)), 0.03)
        c.say(command('CLIENT', 'TRACKING', 'ON'))
        c.say(command('GET', 't'))
        cli('SET', 't', '1')
        c.hear()
        for value in ('{map={a=1}}', '{double=1.5}', '{set={x=true}}', 'true', 'false'):
            c.say(command('EVAL', 'redis.setresp(3); return ' + value, '0'))
        c.say(command('SUBSCRIBE', 'news'))
        cli('PUBLISH', 'news', 'hello')
        c.hear()
        c.say(command('GET', 'counter'))
        c.close()


def pipelined():
    """Many commands in one write; split ones; inline ones; a transaction; a large value; blocking."""
    redis()
    with lab.capture(PORT):
        c = lab.Raw(PORT)
        c.say(''.join(command('SET', 'key:%d' % i, 'v' * i) for i in range(20)) +
              ''.join(command('GET', 'key:%d' % i) for i in range(22)))
        c.say(command('MULTI'))
        c.say(command('INCR', 'n') + command('LPUSH', 'n', 'x') + command('GET', 'n') + command('EXEC'))
        c.say(command('MULTI') + command('SET', 'a') + command('EXEC'))
        c.say(command('SET', 'large', 'L' * 9000))
        c.say(command('GET', 'large'))
        for part in ('*3\r', '\n$3\r\nSE', 'T\r\n$5\r\nsplit\r\n$', '4\r\nva', 'lu\r\n'):
            c.say(part, 0.05)
        c.say('PING\r\n')
        c.say('SET inline 1\r\nGET inline\r\n')
        waiter = threading.Thread(target=lambda: c.say(command('BLPOP', 'later', '5'), 0.6))
        waiter.start()
        time.sleep(0.2)
        cli('RPUSH', 'later', 'now')
        waiter.join()
        c.say('*1\r\n$-5\r\n')
        c.close()


def pubsub():
    """Subscriptions, and what is pushed to them."""
    redis()
    with lab.capture(PORT):
        sub = lab.Raw(PORT)
        sub.say(command('SUBSCRIBE', 'news', 'sport'))
        sub.say(command('PSUBSCRIBE', 'n*'))
        cli('PUBLISH', 'news', 'hello')
        cli('PUBLISH', 'nobody', 'hello')
        cli('PUBLISH', 'weather', 'hello')
        sub.hear()
        sub.say(command('PING'))
        sub.say(command('GET', 'x'))
        sub.say(command('UNSUBSCRIBE', 'news'))
        sub.close()


def auth():
    """A password: missing, wrong, right."""
    redis('--requirepass', 'sesame')
    with lab.capture(PORT):
        cli('GET', 'x')
        cli('--no-auth-warning', '-a', 'wrong', 'GET', 'x')
        cli('--no-auth-warning', '-a', 'sesame', 'GET', 'x')


CAPTURES = {
    'redis/resp2': resp2,
    'redis/resp3': resp3,
    'redis/pipelined': pipelined,
    'redis/pubsub': pubsub,
    'redis/auth': auth,
}
