import type { CustomizeResponse, RelatedRule } from '../metacontroller/protocol.ts'
import { childKinds } from './children/index.ts'
import { selectorLabels } from './children/labels.ts'
import { configReferences } from './config-references.ts'
import type { Context } from './context.ts'
import { type CustomizeRequest, isListed } from './request.ts'
import { validSpec } from './valid-spec.ts'

/**
 * The related objects that a sync of a MyApp needs besides its children:
 * - objects with the names of its children, because one that belongs to somebody else is not among
 *   the children, and a failed create is not reported to the hook;
 * - the ConfigMaps and Secrets that the pods use;
 * - the pods, which say why they fail.
 * Metacontroller asks once for each generation, and a deletion is a new one. To delete a MyApp
 * nothing related is needed, and it could be too large to be sent.
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
  return {
    relatedResources: [
      ...childKinds
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
      {
        apiVersion: 'v1',
        resource: 'pods',
        namespace,
        labelSelector: { matchLabels: selectorLabels(name) },
      },
    ],
  }
}
