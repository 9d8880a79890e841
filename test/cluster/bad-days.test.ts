import { underEachStrategyWithProxy } from '../support/cluster/cluster.ts'
import { type Replica, startReplica } from '../support/cluster/hook.ts'
import { many } from './scenarios/many.ts'
import { outage } from './scenarios/outage.ts'
import { startRoundRobinProxy } from '../support/cluster/round-robin-proxy.ts'

/** A second process of the hook. Both processes are behind one address. */
async function startSecondHook(hook: Replica, dir: string) {
  const second = await startReplica({ dir, name: 'second-hook' })
  const proxy = await startRoundRobinProxy([hook.port, second.port])
  return {
    port: proxy.port,
    second,
    stop: async () => {
      await proxy.stop()
      await second.stop()
    },
  }
}

// This file takes longest and mostly waits. Its name makes it start among the first.
underEachStrategyWithProxy(startSecondHook, (t, cluster, { second }) => {
  // The two scenarios run in sequence because they share the hooks.
  t.test('killed hooks, then many MyApps at once', async (t) => {
    await outage(t, cluster, [cluster.hook, second])
    await many(t, cluster, [cluster.hook, second])
  })
})
