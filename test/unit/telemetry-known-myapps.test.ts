import t from 'tap'
import type { Change } from '../../src/telemetry/requests/changes.ts'
import { knownMyApps } from '../../src/telemetry/requests/seen-myapps.ts'

const create: Change = { action: 'create', kind: 'Deployment', name: 'a', fields: [] }
const update: Change = { action: 'update', kind: 'Deployment', name: 'a', fields: ['spec'] }
const seen = (
  phase: 'Pending' | 'Running' | 'Failed',
  changes: Change[] = [],
  deletionTimestamp?: string,
) => ({ phase, changes, deletionTimestamp, generation: 1, version: '1' })
/** A status that tells nothing of what was asked before. */
const unknown = () => 'unknown' as const

t.test('MyApps are counted in the phase in which they were seen last', async (t) => {
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 })
  known.saw('1', seen('Pending'), unknown)
  known.saw('2', seen('Running'), unknown)
  known.saw('1', seen('Running'), unknown)
  t.same([known.count('Pending'), known.count('Running'), known.count('Failed')], [0, 2, 0])
  known.gone('1')
  t.equal(known.count('Running'), 1)
})

t.test('one that is not seen any more is forgotten', async (t) => {
  let now = 0
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 }, () => now)
  known.saw('1', seen('Running'), unknown)
  now = 600
  known.saw('2', seen('Running'), unknown)
  now = 1200
  t.equal(known.count('Running'), 1)
})

t.test('no more than a fixed number are remembered: those seen last', async (t) => {
  const known = knownMyApps({ most: 100, forgetAfterMs: 1000 })
  known.saw('first', seen('Failed'), unknown)
  known.saw('kept', seen('Pending'), unknown)
  for (let uid = 0; uid < 1000; uid++) {
    known.saw(String(uid), seen('Running'), unknown)
    if (uid % 50 === 0) known.saw('kept', seen('Pending'), unknown)
  }
  t.same([known.count('Running'), known.count('Pending'), known.count('Failed')], [99, 1, 0])
})

t.test('what is asked for again is given back once', async (t) => {
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 })
  t.same(
    known.saw('1', seen('Pending', [create, update]), unknown),
    [create],
    'updates are not counted',
  )
  t.same(known.saw('1', seen('Pending', [create]), unknown), [], 'a retry')
  t.same(known.saw('2', seen('Pending', [create]), unknown), [create], 'another MyApp')
  t.same(known.saw('1', seen('Running'), unknown), [], 'it is done')
  t.same(known.saw('1', seen('Pending', [create]), unknown), [create], 'somebody deleted it')
})

t.test('a call that fails leaves the phase as it was, and counts as a sight', async (t) => {
  let now = Date.parse('2026-11-23T08:01:00Z')
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 }, () => now)
  known.saw('1', seen('Running', [create]), unknown)
  now += 600
  known.failed('1', { phase: 'Pending', deletionTimestamp: '2026-11-23T08:00:00Z' })
  known.failed('2', { phase: 'Failed', deletionTimestamp: undefined })
  known.failed('3', { phase: 'some', deletionTimestamp: undefined })
  now += 600
  t.same([known.count('Pending'), known.count('Running'), known.count('Failed')], [1, 1, 1])
  t.equal(known.longestDeletion(), 61.2)
  t.same(known.saw('1', seen('Running', [create]), unknown), [], 'what was asked for is remembered')
})

t.test('the age of the longest deletion', async (t) => {
  const known = knownMyApps({ most: 10, forgetAfterMs: 1_000_000 }, () =>
    Date.parse('2026-11-23T08:01:00Z'),
  )
  t.equal(known.longestDeletion(), 0)
  known.saw('1', seen('Running'), unknown)
  t.equal(known.longestDeletion(), 0)
  known.saw('2', seen('Pending', [], '2026-11-23T08:00:30Z'), unknown)
  known.saw('3', seen('Pending', [], '2026-11-23T08:00:50Z'), unknown)
  known.saw('4', seen('Pending', [], 'no time'), unknown)
  t.equal(known.longestDeletion(), 30)
})
