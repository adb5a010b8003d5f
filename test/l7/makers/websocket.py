"""WebSocket: python3-websockets, both ends."""
import subprocess

import lab

PORT = 8765

SERVER = '''
import asyncio, websockets
async def talk(ws, *path):
    async for m in ws:
        if m == 'bye':
            await ws.close(4000, 'as asked')
            return
        await ws.send(m)
async def main():
    async with websockets.serve(talk, '127.0.0.1', 8765):
        await asyncio.Future()
asyncio.run(main())
'''

CLIENT = '''
import asyncio, sys, websockets
async def main():
    how = dict(compression=None) if sys.argv[1] == 'plain' else {}
    async with websockets.connect('ws://127.0.0.1:8765/chat?room=1', **how) as ws:
        for m in ('hello', b'\\x00\\x01', 'm' * 300, b'L' * 20000 if how else 'c' * 20000, ''):
            await ws.send(m)
            await ws.recv()
        async def parts():
            for p in ('one ', 'two ', 'three'):
                yield p
        await ws.send(parts())
        await ws.recv()
        await (await ws.ping(b'there?'))
        await ws.send('bye')
        try:
            await ws.recv()
        except websockets.ConnectionClosed:
            pass
asyncio.run(main())
'''


def talk(how):
    if subprocess.run(['/usr/bin/python3', '-c', 'import websockets'], capture_output=True).returncode:
        raise lab.Missing('python3-websockets')
    lab.serve(['/usr/bin/python3', lab.write('server.py', SERVER)], PORT)
    with lab.capture(PORT):
        lab.client(['/usr/bin/python3', lab.write('client.py', CLIENT), how])
        if how == 'plain':      # not a WebSocket after all
            c = lab.Raw(PORT)
            c.say('GET /chat HTTP/1.1\r\nHost: a\r\n\r\n')
            c.close()


def plain():
    """Text, binary, all lengths, parts, ping, a close by the server; an upgrade that is refused."""
    talk('plain')


def deflate():
    """The same with compressed messages."""
    talk('deflate')


CAPTURES = {
    'websocket/plain': plain,
    'websocket/deflate': deflate,
}
