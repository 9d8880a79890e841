import t from 'tap'
import { type Scene, scenes } from '../support/fixtures/scenes.ts'

/**
 * What Flux and other users of kstatus take an object of a custom kind for, by the rules that kstatus documents: in this
 * order a deletion, a generation that is not observed yet, Reconciling, Stalled, Ready.
 */
function kstatus({ metadata, status }: Scene): string {
  const is = (type: string, state: string) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === state)
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (
    status?.observedGeneration !== undefined &&
    status.observedGeneration !== metadata.generation
  ) {
    return 'InProgress'
  }
  if (is('Reconciling', 'True')) return 'InProgress'
  if (is('Stalled', 'True')) return 'Failed'
  return is('Ready', 'False') || is('Ready', 'Unknown') ? 'InProgress' : 'Current'
}

const expected: Record<keyof typeof scenes, string> = {
  'just created': 'InProgress',
  // Which is why the CRD has a default for it.
  'without a status': 'Current',
  'seen for the first time': 'InProgress',
  'starting its pods': 'InProgress',
  running: 'Current',
  'changed and not yet looked at': 'InProgress',
  'rolling out': 'InProgress',
  'with names that others have': 'Failed',
  'with an invalid spec': 'Failed',
  'past its progress deadline': 'Failed',
  'with a Secret missing': 'InProgress',
  suspended: 'Current',
  'being suspended': 'InProgress',
  paused: 'Current',
  'being deleted': 'Terminating',
}

for (const [name, scene] of Object.entries(scenes) as Array<[keyof typeof scenes, Scene]>) {
  t.test(`kstatus takes a MyApp ${name} for ${expected[name]}`, async (t) => {
    t.equal(kstatus(scene), expected[name])
  })
}
