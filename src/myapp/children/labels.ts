import type { App } from '../app.ts'

/**
 * The labels that select the pods of a MyApp. The selector of a Deployment is immutable, so these
 * labels can never change.
 */
export const selectorLabels = (name: string) => ({ app: name, 'managed-by': 'myapp-operator' })

/** The labels of every child: those copied from the MyApp, and the operator's own. */
export const childLabels = (app: App): Record<string, string> => ({
  ...app.labels,
  ...ownLabels(app),
})

/** The labels of the pods. Pod labels of the spec override labels copied from the MyApp. */
export const podLabels = (app: App): Record<string, string> => ({
  ...app.labels,
  ...app.spec.podLabels,
  ...ownLabels(app),
})

/** The labels of the selector, and those that Kubernetes recommends. */
function ownLabels({ name, spec }: App): Record<string, string> {
  const version = versionOf(spec.image)
  return {
    ...selectorLabels(name),
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': name,
    ...(version !== undefined && { 'app.kubernetes.io/version': version }),
    'app.kubernetes.io/managed-by': 'myapp-operator',
  }
}

/** The tag of an image; undefined if it has none, or one that is not a valid label value. */
function versionOf(image: string): string | undefined {
  const tag = /:([A-Za-z0-9_][-.\w]*)(@.*)?$/.exec(image)?.[1]
  return tag !== undefined && /^[A-Za-z0-9]([-.\w]{0,61}[A-Za-z0-9])?$/.test(tag) ? tag : undefined
}
