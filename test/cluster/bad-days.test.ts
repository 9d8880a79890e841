import { underEachStrategyBehind } from '../support/cluster/cluster.ts'
import { type Replica, startReplica } from '../support/cluster/hook.ts'
import { many } from './scenarios/many.ts'
import { outage } from './scenarios/outage.ts'
import { startSpreadingFront } from '../support/cluster/spreading-front.ts'

/** A second process of the hook beside the one that each cluster has, both behind one address. */
async function startSecondHook(hook: Replica, dir: string) {
  const second = await startReplica({ dir, name: 'second-hook' })
  const front = await startSpreadingFront([hook.port, second.port])
  return {
    port: front.port,
    second,
    stop: async () => {
      await front.stop()
      await second.stop()
    },
  }
}

// It waits more than it works, and takes longest of all: its name has it start among the first.
underEachStrategyBehind(startSecondHook, (t, cluster, { second }) => {
  // One after the other: both have the same hooks.
  t.test('hooks that are killed, and many MyApps at once', async (t) => {
    await outage(t, cluster, [cluster.hook, second])
    await many(t, cluster, [cluster.hook, second])
  })
})
