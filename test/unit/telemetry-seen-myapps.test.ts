import t from 'tap'
import type { Phase } from '../../src/api/myapp.ts'
import type { Change } from '../../src/telemetry/requests/changes.ts'
import { seenMyApps } from '../../src/telemetry/requests/seen-myapps.ts'

const create: Change = { action: 'create', kind: 'Deployment', name: 'a', fields: [] }
const update: Change = { action: 'update', kind: 'Deployment', name: 'a', fields: ['spec'] }
const sight = (phase: Phase, changes: Change[] = [], deletionTimestamp?: string) => ({
  phase,
  changes,
  deletionTimestamp,
})

t.test('counts a MyApp in the phase of its last request', async (t) => {
  const seen = seenMyApps({ forgetAfterMs: 1000 })
  seen.answered('1', sight('Pending'))
  seen.answered('2', sight('Running'))
  seen.answered('1', sight('Running'))
  t.same([seen.count('Pending'), seen.count('Running'), seen.count('Failed')], [0, 2, 0])
  seen.finalized('1')
  t.equal(seen.count('Running'), 1)
})

t.test('forgets a MyApp without requests', async (t) => {
  let now = 1
  const seen = seenMyApps({ forgetAfterMs: 1000 }, () => now)
  seen.answered('1', sight('Running'))
  now = 601
  seen.answered('2', sight('Running'))
  now = 1201
  t.equal(seen.count('Running'), 1)
})

t.test('forgets a MyApp with a problem sooner, so that its alerts end soon', async (t) => {
  let now = Date.parse('2026-11-23T08:00:00Z')
  const seen = seenMyApps({ forgetAfterMs: 540_000 }, () => now)
  seen.answered('1', sight('Running'))
  seen.answered('2', sight('Failed'))
  seen.answered('3', sight('Pending', [], '2026-11-23T08:00:00Z'))
  now += 90_000
  t.equal(seen.count('Failed'), 1)
  now += 1
  t.equal(seen.count('Failed'), 0)
  t.equal(seen.longestDeletion(), 0)
  t.equal(seen.count('Running'), 1)
  seen.failed('3', { deletionTimestamp: '2026-11-23T08:00:00Z' })
  now += 180_000
  t.equal(seen.longestDeletion(), 270.001, 'a MyApp whose request failed is remembered longer')
})

t.test('remembers a fixed number of recent MyApps', async (t) => {
  const seen = seenMyApps({ max: 100, forgetAfterMs: 1000 })
  seen.answered('first', sight('Failed'))
  for (let uid = 0; uid < 1000; uid++) {
    seen.answered(String(uid), sight('Running'))
    if (uid % 50 === 0) seen.answered('kept', sight('Pending'))
  }
  t.same([seen.count('Running'), seen.count('Pending'), seen.count('Failed')], [99, 1, 0])
})

t.test('bounds its memory for forged requests', async (t) => {
  const seen = seenMyApps({ forgetAfterMs: 1000 })
  seen.answered('u'.repeat(254), sight('Failed'))
  seen.failed('u'.repeat(3_000_000), { phase: 'Failed' })
  t.equal(seen.count('Failed'), 0, 'identifiers are at most 253 characters')
  const huge = { ...create, name: 'n'.repeat(20_000) }
  t.same(seen.answered('huge', sight('Failed', [huge])), [huge])
  t.equal(seen.count('Failed'), 0, 'a MyApp with over 16 Ki characters is not remembered')
  const large = { ...create, name: 'n'.repeat(16_000) }
  for (let uid = 0; uid < 1000; uid++) seen.answered(String(uid), sight('Running', [large]))
  t.ok(seen.count('Running') < 300, 'all together are at most 4 Mi characters')
})

t.test('counts a repeated creation once', async (t) => {
  const seen = seenMyApps({ forgetAfterMs: 1000 })
  t.same(seen.answered('1', sight('Pending', [create, update])), [create], 'updates do not count')
  t.same(seen.answered('1', sight('Pending', [create])), [], 'not created yet')
  t.same(seen.answered('2', sight('Pending', [create])), [create], 'another MyApp')
  t.same(seen.answered('1', sight('Running')), [], 'created')
  t.same(seen.answered('1', sight('Pending', [create])), [create], 'somebody deleted it')
})

t.test('after a failed request a MyApp keeps its phase and counts as seen', async (t) => {
  let now = Date.parse('2026-11-23T08:01:00Z')
  const seen = seenMyApps({ forgetAfterMs: 1000 }, () => now)
  seen.answered('1', sight('Running', [create]))
  now += 600
  seen.failed('1', { phase: 'Pending', deletionTimestamp: '2026-11-23T08:00:00Z' })
  seen.failed('2', { phase: 'Failed' })
  seen.failed('3', { phase: 'some' })
  now += 600
  t.same([seen.count('Pending'), seen.count('Running'), seen.count('Failed')], [1, 1, 1])
  t.equal(seen.longestDeletion(), 61.2)
  t.same(seen.answered('1', sight('Running', [create])), [], 'requested changes are remembered')
})

t.test('reports the age of the longest deletion', async (t) => {
  const now = Date.parse('2026-11-23T08:01:00Z')
  const seen = seenMyApps({ forgetAfterMs: 1_000_000 }, () => now)
  t.equal(seen.longestDeletion(), 0)
  seen.answered('1', sight('Running'))
  t.equal(seen.longestDeletion(), 0)
  seen.answered('2', sight('Pending', [], '2026-11-23T08:00:30Z'))
  seen.answered('3', sight('Pending', [], '2026-11-23T08:00:50Z'))
  seen.answered('4', sight('Pending', [], 'not a time'))
  t.equal(seen.longestDeletion(), 30)
})
