import t from 'tap'
import type { Change } from '../../src/telemetry/changes.ts'
import { knownMyApps } from '../../src/telemetry/known-myapps.ts'

const create: Change = { action: 'create', kind: 'Deployment', name: 'a', fields: [] }
const update: Change = { action: 'update', kind: 'Deployment', name: 'a', fields: ['spec'] }
const seen = (phase: 'Pending' | 'Running' | 'Failed', changes: Change[] = [], deletionTimestamp?: string) => ({ phase, changes, deletionTimestamp })

t.test('MyApps are counted in the phase in which they were seen last', async (t) => {
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 })
  known.saw('1', seen('Pending'))
  known.saw('2', seen('Running'))
  known.saw('1', seen('Running'))
  t.same([known.count('Pending'), known.count('Running'), known.count('Failed')], [0, 2, 0])
  known.gone('1')
  t.equal(known.count('Running'), 1)
})

t.test('one that is not seen any more is forgotten', async (t) => {
  let now = 0
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 }, () => now)
  known.saw('1', seen('Running'))
  now = 600
  known.saw('2', seen('Running'))
  now = 1200
  t.equal(known.count('Running'), 1)
})

t.test('no more than a fixed number are remembered: those seen last', async (t) => {
  const known = knownMyApps({ most: 100, forgetAfterMs: 1000 })
  known.saw('first', seen('Failed'))
  for (let uid = 0; uid < 1000; uid++) known.saw(String(uid), seen('Running'))
  t.same([known.count('Running'), known.count('Failed')], [100, 0])
})

t.test('what is asked for again is given back once', async (t) => {
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 })
  t.same(known.saw('1', seen('Pending', [create, update])), [create], 'updates are not counted')
  t.same(known.saw('1', seen('Pending', [create])), [], 'a retry')
  t.same(known.saw('2', seen('Pending', [create])), [create], 'another MyApp')
  t.same(known.saw('1', seen('Running')), [], 'it is done')
  t.same(known.saw('1', seen('Pending', [create])), [create], 'somebody deleted it')
})

t.test('a call that fails leaves the phase as it was, and counts as a sight', async (t) => {
  let now = Date.parse('2026-11-23T08:01:00Z')
  const known = knownMyApps({ most: 10, forgetAfterMs: 1000 }, () => now)
  known.saw('1', seen('Running', [create]))
  now += 600
  known.failed('1', { phase: 'Pending', deletionTimestamp: '2026-11-23T08:00:00Z' })
  known.failed('2', { phase: 'Failed', deletionTimestamp: undefined })
  known.failed('3', { phase: 'some', deletionTimestamp: undefined })
  now += 600
  t.same([known.count('Pending'), known.count('Running'), known.count('Failed')], [1, 1, 1])
  t.equal(known.longestDeletion(), 61.2)
  t.same(known.saw('1', seen('Running', [create])), [], 'what was asked for is remembered')
})

t.test('the age of the longest deletion', async (t) => {
  const known = knownMyApps({ most: 10, forgetAfterMs: 1_000_000 }, () => Date.parse('2026-11-23T08:01:00Z'))
  t.equal(known.longestDeletion(), 0)
  known.saw('1', seen('Running'))
  t.equal(known.longestDeletion(), 0)
  known.saw('2', seen('Pending', [], '2026-11-23T08:00:30Z'))
  known.saw('3', seen('Pending', [], '2026-11-23T08:00:50Z'))
  known.saw('4', seen('Pending', [], 'no time'))
  t.equal(known.longestDeletion(), 30)
})
