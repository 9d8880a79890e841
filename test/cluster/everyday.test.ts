import { underEachStrategyWithProxy } from '../support/cluster/cluster.ts'
import { startFaultyProxy } from '../support/cluster/faulty-proxy.ts'
import { autoscaling } from './scenarios/autoscaling.ts'
import { adoption } from './scenarios/command-line.ts'
import { configRollout } from './scenarios/config-rollout.ts'
import { createAndChange } from './scenarios/create-and-change.ts'
import { drift } from './scenarios/drift.ts'
import { faults } from './scenarios/faults.ts'
import { fewWrites } from './scenarios/few-writes.ts'
import { finalize } from './scenarios/finalize.ts'
import { forgedRecords } from './scenarios/forged-records.ts'
import { holdingStill } from './scenarios/holding-still.ts'
import { nameConflict } from './scenarios/name-conflict.ts'
import { noWrite } from './scenarios/no-write.ts'
import { pods } from './scenarios/pods.ts'
import { routing } from './scenarios/routing.ts'
import { serviceAccount } from './scenarios/service-account.ts'
import { status } from './scenarios/status.ts'
import { volumes } from './scenarios/volumes.ts'

underEachStrategyWithProxy(
  (hook) => startFaultyProxy(hook.port),
  (t, cluster, proxy) => {
    // The scenarios that take longest, mostly waiting, come first.
    for (const scenarios of [
      noWrite,
      holdingStill,
      finalize,
      fewWrites,
      forgedRecords,
      nameConflict,
      adoption,
      status,
      autoscaling,
      configRollout,
      pods,
      routing,
      drift,
      volumes,
      serviceAccount,
      createAndChange,
    ]) {
      scenarios(t, cluster)
    }
    faults(t, cluster, proxy)
  },
)
