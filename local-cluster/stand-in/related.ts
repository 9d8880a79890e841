import type { V1LabelSelector } from '@kubernetes/client-node'
import type { Resource } from './client.ts'
import type { KubeObject } from './objects.ts'
import { selects } from './selector.ts'

/** A rule for related objects, as a customize hook returns it. */
export interface RelatedResourceRule {
  apiVersion: string
  resource: string
  labelSelector?: V1LabelSelector | null
  namespace?: string | null
  names?: string[] | null
  namespaceSelector?: object | null
}

/** Throws for a rule that Metacontroller refuses or that the stand-in does not support. */
export function checkRule(rule: RelatedResourceRule): void {
  if (rule.names?.length && (rule.labelSelector || rule.namespaceSelector)) {
    throw new Error(
      'related rule cannot have both names and labelSelector/namespaceSelector specified: ' +
        JSON.stringify(rule),
    )
  }
  if (rule.namespaceSelector) {
    throw new Error('the stand-in does not support namespaceSelector in related rules')
  }
}

/** Whether the rule for `resource` selects the object. */
export const matchesRule = (
  { namespace, names, labelSelector }: RelatedResourceRule,
  resource: Resource,
  { apiVersion, kind, metadata }: KubeObject,
): boolean =>
  apiVersion === resource.apiVersion &&
  kind === resource.kind &&
  (!namespace || !resource.namespaced || metadata.namespace === namespace) &&
  (!names?.length || names.includes(metadata.name)) &&
  selects(labelSelector ?? {}, metadata.labels)
