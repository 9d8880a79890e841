/** Installs the CRDs of the operator, and prepares its CompositeControllers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import type { ControlPlane } from '../../../local-cluster/control-plane/boot.ts'
import { applyStrategyAnnotation } from '../../../src/myapp/customize.ts'
import type { ApplyStrategy } from '../../../local-cluster/metacontroller.ts'

const root = join(import.meta.dirname, '../../..')
/** The absolute path of a file of the project. */
export const manifest = (path: string): string => join(root, path)

/** Installs both CRDs and waits until the API server serves them. */
export async function installMyAppCrd({ kubectl }: Pick<ControlPlane, 'kubectl'>): Promise<void> {
  for (const file of ['crd', 'inspection-crd']) {
    await kubectl(['apply', '-f', manifest(`manifests/${file}.yaml`)])
  }
  // kubectl reads the list of kinds once per process, so each check starts another one.
  const found = () => kubectl(['api-resources', '--api-group=example.com'])
  const deadline = Date.now() + 60_000
  while (!/^myappinspections .*^myapps /ms.test(await found())) {
    if (Date.now() > deadline) throw new Error('the API server does not serve MyApps after 60 s')
    await sleep(50)
  }
}

/**
 * Both CompositeControllers as JSON, for an apply strategy. `resyncPeriodSeconds` replaces that of
 * MyApps, in seconds.
 */
export function compositeControllers(
  port: number,
  strategy: ApplyStrategy,
  resyncPeriodSeconds?: number,
): string {
  const [controller, inspections] = ['composite-controller', 'inspection-composite-controller'].map(
    (file) => parse(readFileSync(manifest(`metacontroller/${file}.yaml`), 'utf8')),
  )
  controller.metadata.annotations = { [applyStrategyAnnotation]: strategy }
  if (resyncPeriodSeconds !== undefined) controller.spec.resyncPeriodSeconds = resyncPeriodSeconds
  const items = [controller, inspections].map((item) => pointAt(port, item))
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}

/** The shipped CompositeController, changed to call a hook at a port without certificates. */
export function pointAt(
  port: number,
  controller: {
    spec: { hooks: Record<string, { webhook: { url: string } }>; endpointConfigs?: object[] }
  },
): object {
  const pointed = structuredClone(controller)
  delete pointed.spec.endpointConfigs
  for (const { webhook } of Object.values(pointed.spec.hooks)) {
    webhook.url = `http://127.0.0.1:${port}${new URL(webhook.url).pathname}`
  }
  return pointed
}
