import type { V1LabelSelector } from '@kubernetes/client-node'
import { type KubeObject } from './objects.ts'
import { selects } from './selector.ts'

/** A hook of a CompositeController. */
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
      labelSelector?: V1LabelSelector
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

/** The label that selects a parent's children. `generateSelector` adds this label. */
export const parentLabel = 'controller-uid'

const methods = ['', 'OnDelete', 'InPlace']
// The stand-in accepts and ignores etag, which saves only bytes of answers.
const webhookOptions = ['url', 'timeout', 'etag']

/** Throws for hooks, selectors and update methods that the stand-in does not support. */
export function checkSupported({ spec }: CompositeController): void {
  const { hooks = {}, childResources = [], generateSelector, parentResource } = spec
  if (hooks.sync === undefined) throw new Error('no sync hook defined')
  // Throws for an invalid operator.
  selects(parentResource.labelSelector ?? {})
  const settings: Array<[name: string, isSupported: boolean]> = [
    ['a controller without generateSelector: true', generateSelector === true],
  ]
  for (const [name, { version, webhook = {} }] of Object.entries(hooks)) {
    settings.push([`version ${version} of the ${name} hook`, version === 'v2'])
    for (const option of Object.keys(webhook)) {
      settings.push([`${option} of the ${name} webhook`, webhookOptions.includes(option)])
    }
  }
  for (const { resource, updateStrategy: { method = '' } = {} } of childResources) {
    settings.push([`the update method ${method} of ${resource}`, methods.includes(method)])
  }
  const refused = settings.filter(([, isSupported]) => !isSupported).map(([name]) => name)
  if (refused.length > 0) throw new Error(`the stand-in does not support ${refused.join(', ')}`)
}

/** Whether the label selector of the controller selects a parent. */
export const isSelected = ({ spec }: CompositeController, parent: KubeObject): boolean =>
  selects(spec.parentResource.labelSelector ?? {}, parent.metadata.labels)

/** The finalizer of the parents. */
export const finalizerOf = ({ metadata }: CompositeController): string =>
  `metacontroller.io/compositecontroller-${metadata.name}`

/** Whether the object has a finalizer. */
export const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) ?? false

/** Whether the parent has the finalizer of the controller or matches its selector. */
export const isResponsible = (controller: CompositeController, parent: KubeObject): boolean =>
  hasFinalizer(parent, finalizerOf(controller)) || isSelected(controller, parent)
