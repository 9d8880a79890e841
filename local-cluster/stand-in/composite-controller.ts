import { type KubeObject } from './kube-object.ts'
import { type LabelSelector } from './selector.ts'

/** One of a CompositeController's webhooks. */
export interface HookSpec {
  version?: string
  webhook?: {
    url?: string
    path?: string
    service?: { name: string; namespace: string; port?: number; protocol?: string }
    timeout?: string
    [option: string]: unknown
  }
}

/** A child kind and how its objects are updated. */
export interface ChildRule {
  apiVersion: string
  resource: string
  updateStrategy?: { method?: string }
}

/** The CompositeController kind, as far as the stand-in knows it. */
export interface CompositeController extends KubeObject {
  spec: {
    parentResource: {
      apiVersion: string
      resource: string
      ignoreStatusChanges?: boolean
      labelSelector?: LabelSelector
    }
    childResources?: ChildRule[]
    hooks?: { sync?: HookSpec; finalize?: HookSpec; customize?: HookSpec }
    resyncPeriodSeconds?: number
    generateSelector?: boolean
  }
}

const knownMethods = ['', 'OnDelete', 'Recreate', 'InPlace']
const knownWebhookOptions = ['url', 'path', 'service', 'timeout', 'etag']

/** The first thing that a CompositeController asks for and the stand-in can't do, in words. */
export function unsupported({ spec }: CompositeController): string | undefined {
  if (spec.hooks === undefined) return 'no hooks defined'
  if (spec.hooks.sync === undefined) return 'no sync hook defined'
  for (const [name, hook] of Object.entries(spec.hooks)) {
    if (hook.version !== 'v2') {
      return `the stand-in knows hooks of version v2 only, ${name} has ${hook.version ?? 'none'}`
    }
    const option = Object.keys(hook.webhook ?? {}).find((key) => !knownWebhookOptions.includes(key))
    if (option !== undefined) {
      return `the stand-in does not know the ${name} webhook's option ${option}`
    }
  }
  for (const { resource, updateStrategy } of spec.childResources ?? []) {
    const method = updateStrategy?.method ?? ''
    if (!knownMethods.includes(method)) {
      return `the stand-in does not know the update method ${method} of ${resource}`
    }
  }
  return undefined
}

/** The CompositeController in the form in which Metacontroller hands it to the hooks. */
export function asSentToHooks(controller: CompositeController): CompositeController {
  const childResources = controller.spec.childResources?.map((child) =>
    child.updateStrategy === undefined
      ? child
      : { ...child, updateStrategy: { ...child.updateStrategy, statusChecks: {} } },
  )
  return {
    ...controller,
    spec: { ...controller.spec, ...(childResources !== undefined && { childResources }) },
    status: {},
  }
}
