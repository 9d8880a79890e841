import { type Resource } from './discovery.ts'
import { type KubeObject } from './kube-object.ts'
import { type LabelSelector, selects } from './selector.ts'

/** Which other objects a hook wants to see, as its customize answer says. */
export interface RelatedResourceRule {
  apiVersion: string
  resource: string
  labelSelector?: LabelSelector | null
  namespace?: string | null
  names?: string[] | null
  namespaceSelector?: LabelSelector | null
}

/** Throws for a rule that Metacontroller refuses, or that the stand-in does not know. */
export function checkRule(rule: RelatedResourceRule): void {
  const hasNames = (rule.names ?? []).length > 0
  if (hasNames && (rule.labelSelector || rule.namespaceSelector)) {
    throw new Error(
      'related rule cannot have both names and labelSelector/namespaceSelector specified: ' +
        JSON.stringify(rule),
    )
  }
  if (rule.namespaceSelector) {
    throw new Error('the stand-in does not know namespaceSelector in related rules')
  }
}

/** Whether the rule, which is about `resource`, asks for the object. */
export function matchesRule(
  rule: RelatedResourceRule,
  resource: Resource,
  object: KubeObject,
): boolean {
  if (object.apiVersion !== resource.apiVersion || object.kind !== resource.kind) return false
  if (rule.namespace && resource.namespaced && object.metadata.namespace !== rule.namespace) {
    return false
  }
  if (rule.labelSelector && !selects(rule.labelSelector, object.metadata.labels)) return false
  const names = rule.names ?? []
  return names.length === 0 || names.includes(object.metadata.name)
}
