import type { CustomizeResponse, RelatedRule } from '../metacontroller/protocol.ts'
import { type ChildKind, childKinds } from './children/index.ts'
import { selectorLabels } from './children/labels.ts'
import { configReferences } from './config-references.ts'
import type { CustomizeRequest } from './request.ts'
import { validSpec } from './valid-spec.ts'

/**
 * What a sync of a MyApp has to see besides its children: whatever has the names that the children need, since what is
 * not ours is not among the children and a failed create is not reported to the hook; the pods, which know why they fail; and
 * the ConfigMaps and Secrets that they use. Made from the parent alone: Metacontroller asks once for each generation, and a
 * deletion is one. To go a MyApp needs to see nothing of all that, and what it could see may be too large to be sent.
 */
export function customize({ controller, parent }: CustomizeRequest): CustomizeResponse {
  const { namespace, name, deletionTimestamp } = parent.metadata
  if (deletionTimestamp !== undefined) return { relatedResources: [] }
  const validated = validSpec(parent)
  const spec = 'spec' in validated ? validated.spec : { image: 'unknown' }
  const wanted = childKinds.filter(
    (kind) => isDeclared(kind, controller) && kind.desired({ name, namespace, spec }) !== undefined,
  )
  const references = configReferences(spec)
  const config = (['ConfigMap', 'Secret'] as const).flatMap((kind): RelatedRule[] => {
    const names = [
      ...new Set(
        references
          .filter((reference) => reference.kind === kind)
          .map((reference) => reference.name),
      ),
    ]
    return names.length === 0
      ? []
      : [
          {
            apiVersion: 'v1',
            resource: kind === 'ConfigMap' ? 'configmaps' : 'secrets',
            namespace,
            names,
          },
        ]
  })
  return {
    relatedResources: [
      ...wanted.map(({ apiVersion, resource }) => ({
        apiVersion,
        resource,
        namespace,
        names: [name],
      })),
      ...config,
      {
        apiVersion: 'v1',
        resource: 'pods',
        namespace,
        labelSelector: { matchLabels: selectorLabels(name) },
      },
    ],
  }
}

/** A rule for a resource that the cluster does not have would fail every sync; what the CompositeController declares is there. */
const isDeclared = (
  { apiVersion, resource }: ChildKind,
  controller: CustomizeRequest['controller'],
) =>
  controller?.spec?.childResources?.some(
    (declared) => declared.apiVersion === apiVersion && declared.resource === resource,
  ) ?? true
