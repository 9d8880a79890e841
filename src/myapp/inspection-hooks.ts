import Type from 'typebox'
import {
  inspectionKind,
  InspectionSpec,
  type InspectionStatus,
  type TakenName,
} from '../api/inspection.ts'
import { apiVersion } from '../api/myapp.ts'
import {
  type CustomizeResponse,
  ObjectMap,
  ObservedMetadata,
  type RelatedRule,
  type SyncResponse,
} from '../metacontroller/protocol.ts'
import { childKinds } from './children/index.ts'
import type { TimedContext } from './context.ts'
import { podsRule } from './customize.ts'
import { findingsOf, readFindings } from './findings.ts'
import { isOurs, keyOf, ObservedPod } from './request.ts'

/** The hooks of the second CompositeController, whose parents are the inspections. */

const Parent = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal(inspectionKind),
  metadata: ObservedMetadata,
  spec: InspectionSpec,
  status: Type.Optional(Type.Unknown()),
})

/** The body of /inspect. */
export const InspectionRequest = Type.Object({
  parent: Parent,
  related: Type.Object(
    { 'Pod.v1': Type.Optional(ObjectMap(ObservedPod)) },
    { additionalProperties: ObjectMap(Type.Object({ metadata: ObservedMetadata })) },
  ),
})

/** The body of /inspect-customize. */
export const InspectionCustomizeRequest = Type.Object({ parent: Parent })

export type InspectionRequest = Type.Static<typeof InspectionRequest>
export type InspectionCustomizeRequest = Type.Static<typeof InspectionCustomizeRequest>

/**
 * The related objects of an inspection: the pods of its MyApp, and objects with the names of
 * missing children.
 */
export function customizeInspection({ parent }: InspectionCustomizeRequest): CustomizeResponse {
  const { name, namespace, deletionTimestamp } = parent.metadata
  if (deletionTimestamp !== undefined) return { relatedResources: [] }
  const missing = parent.spec.missing.map(splitName)
  const names = childKinds.flatMap(({ kind, apiVersion, resource }): RelatedRule[] => {
    const ofKind = missing.filter((child) => child.kind === kind).map(({ name }) => name)
    return ofKind.length === 0
      ? []
      : [{ apiVersion, resource, namespace, names: [...new Set(ofKind)] }]
  })
  return {
    relatedResources: [...(parent.spec.pods ? [podsRule(name, namespace)] : []), ...names],
  }
}

/**
 * The findings of an inspection. While the inspection does not look at pods, the previous findings
 * about pods stay. An inspection has no children.
 */
export function inspect(
  { parent, related }: InspectionRequest,
  { now }: Pick<TimedContext, 'now'>,
): SyncResponse<InspectionStatus> {
  const { generation = 0, namespace, ownerReferences = [] } = parent.metadata
  const pods = Object.values(related['Pod.v1'] ?? {})
  const found = parent.spec.pods
    ? findingsOf(pods, new Date(now).toISOString())
    : readFindings(parent.status)
  const owner = ownerReferences.find(({ controller }) => controller)?.uid ?? ''
  const objects: Record<string, Record<string, { metadata: ObservedMetadata }>> = related
  const taken = parent.spec.missing.map(splitName).flatMap(({ kind, name }): TakenName[] => {
    const gvk = childKinds.find((child) => child.kind === kind)?.gvk ?? ''
    const other = objects[gvk]?.[keyOf({ namespace, name })]?.metadata
    return other === undefined || isOurs(owner, other)
      ? []
      : [{ kind, name, terminating: other.deletionTimestamp !== undefined }]
  })
  return {
    status: { observedGeneration: generation, ...found, ...(taken.length > 0 && { taken }) },
    children: [],
  }
}

/** Splits `Kind/name`. */
function splitName(child: string): { kind: string; name: string } {
  const [kind = '', name = ''] = child.split('/')
  return { kind, name }
}
