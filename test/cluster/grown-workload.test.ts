/** What a MyApp can ask for besides an image, replicas and a port. */
import { underEachStrategy } from './cluster.ts'
import { autoscaling } from './scenarios/autoscaling.ts'
import { configRollout } from './scenarios/config-rollout.ts'
import { holdingStill } from './scenarios/holding-still.ts'
import { pods } from './scenarios/pods.ts'

underEachStrategy((t, cluster) => {
  for (const scenarios of [autoscaling, configRollout, holdingStill, pods]) scenarios(t, cluster)
})
