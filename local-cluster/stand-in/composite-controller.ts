import type { KubeObject } from './objects.ts'

/** One of a CompositeController's webhooks. */
export interface HookSpec {
  version?: string
  webhook?: { url?: string; timeout?: string; [option: string]: unknown }
}

/** The fields of a CompositeController that the stand-in supports. */
export interface CompositeController extends KubeObject {
  spec: {
    parentResource: {
      apiVersion: string
      resource: string
      ignoreStatusChanges?: boolean
      labelSelector?: object
    }
    childResources?: Array<{
      apiVersion: string
      resource: string
      updateStrategy?: { method?: string }
    }>
    hooks?: { sync?: HookSpec; finalize?: HookSpec; customize?: HookSpec }
    resyncPeriodSeconds?: number
    generateSelector?: boolean
  }
}

const supportedMethods = ['', 'OnDelete', 'InPlace']
const supportedOptions = ['url', 'timeout', 'etag']

/** The first setting that the stand-in does not support, or undefined. */
export function unsupported({ spec }: CompositeController): string | undefined {
  if (spec.hooks?.sync === undefined) return 'no sync hook defined'
  if (!spec.generateSelector) return 'the stand-in needs generateSelector: true'
  if (spec.parentResource.labelSelector) return 'the stand-in supports no labelSelector of parents'
  for (const [name, { version, webhook = {} }] of Object.entries(spec.hooks)) {
    if (version !== 'v2') return `the stand-in supports hooks of version v2 only, not ${name}`
    const option = Object.keys(webhook).find((key) => !supportedOptions.includes(key))
    if (option !== undefined) {
      return `the stand-in does not support ${option} of the ${name} webhook`
    }
    if (webhook.url === undefined) return `the ${name} webhook needs a url`
  }
  for (const { resource, updateStrategy } of spec.childResources ?? []) {
    const method = updateStrategy?.method ?? ''
    if (!supportedMethods.includes(method)) {
      return `the stand-in does not support the update method ${method} of ${resource}`
    }
  }
  return undefined
}

/** The CompositeController in the form in which Metacontroller sends it to the hooks. */
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
