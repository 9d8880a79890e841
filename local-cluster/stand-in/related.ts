import type { Resource } from './client.ts'
import type { KubeObject } from './objects.ts'

/** A rule for related objects, as a customize hook answers it. */
export interface RelatedResourceRule {
  apiVersion: string
  resource: string
  labelSelector?: { matchLabels?: Record<string, string>; matchExpressions?: unknown } | null
  namespace?: string | null
  names?: string[] | null
  namespaceSelector?: object | null
}

/** Throws for a rule that Metacontroller refuses or that the stand-in does not support. */
export function checkRule(rule: RelatedResourceRule): void {
  const hasNames = (rule.names ?? []).length > 0
  if (hasNames && (rule.labelSelector || rule.namespaceSelector)) {
    throw new Error(
      'related rule cannot have both names and labelSelector/namespaceSelector specified: ' +
        JSON.stringify(rule),
    )
  }
  if (rule.namespaceSelector || rule.labelSelector?.matchExpressions) {
    throw new Error('the stand-in supports matchLabels only in related rules')
  }
}

/** Whether the rule for `resource` selects the object. */
export function matchesRule(
  { namespace, names, labelSelector }: RelatedResourceRule,
  resource: Resource,
  { apiVersion, kind, metadata }: KubeObject,
): boolean {
  return (
    apiVersion === resource.apiVersion &&
    kind === resource.kind &&
    (!namespace || !resource.namespaced || metadata.namespace === namespace) &&
    (!names?.length || names.includes(metadata.name)) &&
    Object.entries(labelSelector?.matchLabels ?? {}).every(
      ([key, value]) => metadata.labels?.[key] === value,
    )
  )
}
