#
# cause: hot-function
# cpu: 1.5..2
# memory: 512
# needs: /usr/bin/python3
# run: /usr/bin/python3
#
# A distance of words, by the textbook, in Python.
import sys


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            last, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, last + (x != y))
    return row[-1]


def nearest(word, words):
    return sorted((distance(word, w), w) for w in words)[0]


def serve(seed):
    words = [str(i * seed % 1000003) * 3 for i in range(20 + seed % 30)]
    while True:
        for w in words:
            nearest(w, words)


serve(int(sys.argv[2]))
