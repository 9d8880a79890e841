import t from 'tap'
import { type Scene, scenes } from '../support/fixtures/scenes.ts'

/**
 * The status that Flux and other users of kstatus derive, by the documented rules. The rules
 * apply in this order: deletion, an unobserved generation, Reconciling, Stalled, Ready.
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
  // The CRD prevents this case: a new MyApp has a default status.
  'without a status': 'Current',
  'seen for the first time': 'InProgress',
  'starting its pods': 'InProgress',
  running: 'Current',
  'changed and not yet reconciled': 'InProgress',
  'rolling out': 'InProgress',
  'with a name conflict': 'Failed',
  'with an invalid spec': 'Failed',
  'past its progress deadline': 'Failed',
  'with a Secret missing': 'InProgress',
  suspended: 'Current',
  'being suspended': 'InProgress',
  paused: 'Current',
  'being deleted': 'Terminating',
}

for (const [name, scene] of Object.entries(scenes) as Array<[keyof typeof scenes, Scene]>) {
  t.test(`kstatus derives ${expected[name]} for a MyApp ${name}`, async (t) => {
    t.equal(kstatus(scene), expected[name])
  })
}
