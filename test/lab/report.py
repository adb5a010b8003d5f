"""Judges the answers of why, and counts: named first, among the first three, missed, false alarm."""
import collections

CAUSES_MADE = 'cpu-steal: a virtual machine is robbed by its host; nothing inside can make that happen'
FIRST_BAR = 0.95
DISTURBED = 0.2     # CPUs that others took meanwhile: cpu-neighbour may well be right then


def judge(case, answer):
    """-> first, three, missed; for the healthy: first, false alarm."""
    named = [f['cause'] for f in answer['findings']]
    if case.causes == ['healthy']:
        wrong = [f for f in answer['findings'] if f['cause'] != 'healthy' and f['confidence'] != 'possible']
        return 'false alarm' if wrong or named[:1] != ['healthy'] else 'first'
    if not set(case.causes) <= set(named[:3]):
        return 'missed'
    return 'first' if named[0] in case.causes else 'three'


def line(case, verdict, answer):
    said = ', '.join('%s (%s)' % (f['cause'], f['confidence']) for f in answer['findings'][:4])
    if answer['others_cpus'] >= DISTURBED:
        said += '; others took %.1f CPUs' % answer['others_cpus']
    return '%-18s %-32s %-12s %s' % (case.name, ' + '.join(case.causes), verdict, said)


class Count:
    def __init__(self):
        self.rows = []      # (case, verdict, first named)

    def add(self, case, verdict, answer=None):
        named = [f['cause'] for f in answer['findings']] if answer else []
        self.rows.append((case, verdict, named[0] if named else '-'))

    def table(self):
        by = collections.OrderedDict()
        for case, verdict, named in self.rows:
            row = by.setdefault(' + '.join(case.causes), collections.Counter())
            row[verdict] += 1
            if verdict != 'first' and named not in case.causes:
                row['instead: ' + named] += 1
        print('\n%-34s %5s %6s %6s %7s %6s %6s' % ('made', 'cases', 'first', 'three', 'missed', 'false',
                                                  'failed'))
        for name, row in by.items():
            n = sum(v for k, v in row.items() if not k.startswith('instead'))
            instead = ', '.join(k for k in row if k.startswith('instead'))
            print('%-34s %5d %6d %6d %7d %6d %6d  %s' % (
                name, n, row['first'], row['first'] + row['three'], row['missed'], row['false alarm'],
                row['failed'], instead))
        print('%-34s left out: %s' % ('cpu-steal', CAUSES_MADE.split(': ')[1]))

    def bars(self):
        """Prints the bars. -> whether they hold"""
        judged = [(c, v) for c, v, _ in self.rows if v != 'skipped']
        sick = [v for c, v in judged if c.causes != ['healthy']]
        well = [v for c, v in judged if c.causes == ['healthy']]
        first, three = sick.count('first'), sick.count('first') + sick.count('three')
        good = well.count('first') == len(well) and three == len(sick) and first >= FIRST_BAR * len(sick)
        if sick:
            print('\nnamed first %d of %d (%.1f %%; bar %.0f %%), among the first three %d (bar: all)' % (
                first, len(sick), 100.0 * first / len(sick), 100 * FIRST_BAR, three))
        if well:
            print('healthy: %d of %d without a false alarm (bar: all)' % (well.count('first'), len(well)))
        skipped = [c.name for c, v, _ in self.rows if v == 'skipped']
        if skipped:
            print('skipped: ' + ' '.join(skipped))
        return good
