import { isServerSideApplied } from '../metacontroller/last-applied.ts'
import type { CustomizeResponse, RelatedRule } from '../metacontroller/protocol.ts'
import { inspectionResource } from '../api/inspection.ts'
import { apiVersion as ownApiVersion } from '../api/myapp.ts'
import { childKinds } from './children/index.ts'
import { selectorLabels } from './children/labels.ts'
import { configReferences } from './config-references.ts'
import type { Context } from './context.ts'
import { type CustomizeRequest, type HookRequest, isListed, sentChildren } from './request.ts'
import { validSpec } from './valid-spec.ts'

/**
 * The annotation with the apply strategy of Metacontroller. It must be on the CompositeController
 * if Metacontroller is started with `--apply-strategy=server-side-apply`.
 */
export const applyStrategyAnnotation = 'example.com/apply-strategy'

const inspections = { apiVersion: ownApiVersion, resource: inspectionResource }

/**
 * The related objects that a sync of a MyApp needs besides its children: the ConfigMaps and Secrets
 * of the pods. Each rule costs Metacontroller time at every event of the kind in the cluster. So an
 * inspection reads everything else, for MyApps with problems only. There are two exceptions:
 * - Server-side apply would take over a foreign object that has the name of a child. The hook must
 *   see such objects before its first answer.
 * - A CompositeController of an older release has no inspections, so the hook reads the pods and
 *   the objects with the names of children itself.
 *
 * Metacontroller calls this hook for each new generation, and again when its cache has expired,
 * after 20 minutes. A deletion is a new generation, and needs no related objects. They could make
 * the request too large.
 */
export function customize(
  { controller, parent }: CustomizeRequest,
  { watchSecrets = true }: Context = {},
): CustomizeResponse {
  const { namespace, name, deletionTimestamp } = parent.metadata
  if (deletionTimestamp !== undefined) return { relatedResources: [] }
  const validated = validSpec(parent)
  const spec = 'spec' in validated ? validated.spec : { image: 'unknown' }
  const named = (apiVersion: string, resource: string, names: string[]): RelatedRule[] =>
    names.length === 0 ? [] : [{ apiVersion, resource, namespace, names: [...new Set(names)] }]
  const references = configReferences(spec)
  const referenced = (kind: 'ConfigMap' | 'Secret') =>
    references.filter((reference) => reference.kind === kind).map(({ name }) => name)
  const hasInspections = isListed(controller, inspections) ?? false
  return {
    relatedResources: [
      ...(hasInspections && !isServerSideApply(controller) ? [] : childKinds)
        // A rule for a resource that the cluster lacks would fail every sync.
        .filter((kind) => isListed(controller, kind) ?? true)
        .flatMap(({ apiVersion, resource, desired }) =>
          named(
            apiVersion,
            resource,
            desired({ name, namespace, spec }).map(({ metadata }) => metadata.name),
          ),
        ),
      ...named('v1', 'configmaps', referenced('ConfigMap')),
      ...named('v1', 'secrets', watchSecrets ? referenced('Secret') : []),
      ...(hasInspections ? [] : [podsRule(name, namespace)]),
    ],
  }
}

const isServerSideApply = (controller: HookRequest['controller']) =>
  controller?.metadata?.annotations?.[applyStrategyAnnotation] === 'server-side-apply'

/**
 * Whether Metacontroller uses server-side apply although the CompositeController does not say so.
 * Then a new MyApp could take over a foreign object.
 */
export const usesUndeclaredServerSideApply = (request: HookRequest): boolean =>
  !isServerSideApply(request.controller) &&
  isListed(request.controller, inspections) === true &&
  sentChildren(request).some(({ child }) => isServerSideApplied(child))

/** The rule for the pods of a MyApp. */
export const podsRule = (name: string, namespace: string): RelatedRule => ({
  apiVersion: 'v1',
  resource: 'pods',
  namespace,
  labelSelector: { matchLabels: selectorLabels(name) },
})
