/** A control plane with a running operator, for the scenarios of a test. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  bootControlPlane,
  type ControlPlane,
  installMetacontrollerCrds,
} from '../../../local-cluster/control-plane/boot.ts'
import { ensureControlPlane } from '../../../local-cluster/control-plane/build.ts'
import type { User } from '../../../local-cluster/control-plane/configuration.ts'
import { openApi } from './api.ts'
import {
  type AuditEvent,
  type Namespace,
  type ObservedCluster,
  openNamespace,
} from './namespace.ts'
import { type Replica, startReplica } from './hook.ts'
import { compositeControllers, installMyAppCrd } from './install.ts'
import { followJsonLinesOf } from './json-lines.ts'
import type { Kind } from './kinds.ts'
import {
  type ApplyStrategy,
  engineName,
  type RunningMetacontroller,
  startMetacontroller,
} from '../../../local-cluster/metacontroller.ts'
import { type Difference, applyDifferences } from './server-side-apply.ts'
import { watchAll } from './view.ts'

/** The server to which Metacontroller sends requests: the hook, or a proxy of the hook. */
export interface HookServer {
  port: number
  stop(): Promise<void>
}

export interface Cluster extends ObservedCluster {
  metacontroller: RunningMetacontroller
  strategy: ApplyStrategy
  /**
   * Whether the apply strategy of this cluster has the given difference from the default strategy.
   */
  differs(difference: Difference): boolean
  /** Creates a namespace for a scenario. */
  namespace(t: Test): Promise<Namespace>
}

/** Options of a cluster. */
export interface Setup {
  /** Runs before Metacontroller starts. */
  prepare?: (controlPlane: ControlPlane) => Promise<void>
  /** The user of Metacontroller. Default: a user with all rights. */
  user?: User
  /** The watched kinds. Default: the kinds that every cluster has. */
  watched?: Kind[]
}

const strategies: ApplyStrategy[] = process.env['METACONTROLLER']
  ? ['dynamic-apply', 'server-side-apply']
  : ['dynamic-apply']

/** Runs scenarios in parallel, on one cluster for each apply strategy that the engine supports. */
export function underEachStrategy(
  scenarios: (t: Test, cluster: Cluster) => void,
  setup: Setup = {},
): void {
  underEachStrategyWithProxy(async (hook) => hook, scenarios, setup)
}

/** Like `underEachStrategy`, with a proxy between Metacontroller and the hook. */
export function underEachStrategyWithProxy<F extends HookServer>(
  startServer: (hook: Replica, dir: string) => Promise<F>,
  scenarios: (t: Test, cluster: Cluster, hookServer: F) => void,
  setup: Setup = {},
): void {
  t.setTimeout(600_000)
  for (const strategy of strategies) {
    t.test(`${engineName()}, ${strategy}`, async (t) => {
      t.comment(`engine: ${engineName()}, apply strategy: ${strategy}`)
      const controlPlane = await bootBare(t)
      const hook = await startReplica({ dir: controlPlane.dir })
      t.teardown(() => hook.stop())
      const hookServer = await startServer(hook, controlPlane.dir)
      t.teardown(() => hookServer.stop())
      const cluster = await startCluster(t, strategy, controlPlane, hook, hookServer, setup)
      t.jobs = 24
      scenarios(t, cluster, hookServer)
    })
  }
}

async function startCluster(
  t: Test,
  strategy: ApplyStrategy,
  controlPlane: ControlPlane,
  hook: Replica,
  hookServer: HookServer,
  { prepare, user = 'metacontroller', watched }: Setup,
): Promise<Cluster> {
  const { dir, kubectl, kubeconfig, kubeconfigFor, auditLog } = controlPlane
  await Promise.all([
    installMetacontrollerCrds(controlPlane),
    installMyAppCrd(controlPlane),
    prepare?.(controlPlane),
  ])
  const logFile = (program: string) => join(dir, `${program}.log`)
  const metacontroller = await startMetacontroller({
    kubeconfig: kubeconfigFor(user),
    logFile: logFile('metacontroller'),
    applyStrategy: strategy,
  })
  t.teardown(() => metacontroller.stop())
  await kubectl(['apply', '-f', '-'], compositeControllers(hookServer.port, strategy))
  const api = openApi(kubeconfig)
  const watching = new AbortController()
  t.teardown(() => {
    watching.abort()
    api.close()
  })
  const view = await watchAll(api, watching.signal, watched)
  const cluster: Cluster = {
    controlPlane,
    api,
    view,
    hook,
    metacontroller,
    strategy,
    differs: (difference) => strategy === 'server-side-apply' && difference in applyDifferences,
    audit: followJsonLinesOf<AuditEvent>(auditLog, ({ objectRef }) => objectRef?.namespace),
    logFile,
    namespace: (t) => openNamespace(cluster, t),
  }
  return cluster
}

/** A control plane without the operator. */
export async function bootBare(t: Test): Promise<ControlPlane> {
  const controlPlane = await bootControlPlane({
    binDir: await ensureControlPlane((line) => t.comment(line)),
  })
  t.teardown(() => controlPlane.stop())
  return controlPlane
}
