"""The exceptions to the layers and limits: one line each, `WHERE  # reason`, in tools/*.allow."""
import os
import sys

MAX_EXCEPTIONS = 10     # in both files together
FILES = ('tools/layers.allow', 'tools/limits.allow')


def read(path):
    """-> {where: reason}"""
    found = {}
    if not os.path.exists(path):
        return found
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            where, _, reason = line.partition('#')
            where, reason = ' '.join(where.split()), reason.strip()
            if not where:
                continue
            if not reason:
                sys.exit('%s:%d: an exception needs a reason after #' % (path, number))
            found[where] = reason
    return found


def load(path):
    total = sum(len(read(p)) for p in FILES)
    if total > MAX_EXCEPTIONS:
        sys.exit('%d exceptions in %s; at most %d' % (total, ' and '.join(FILES), MAX_EXCEPTIONS))
    return read(path)
