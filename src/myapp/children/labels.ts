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

/**
 * The labels of the Deployment. Only the Deployment and the pods have the version, so that a new
 * image does not cause a write of every other child.
 */
export const deploymentLabels = (app: App): Record<string, string> => ({
  ...childLabels(app),
  ...versionLabel(app),
})

/** The labels of the pods. Pod labels of the spec override labels copied from the MyApp. */
export const podLabels = (app: App): Record<string, string> => ({
  ...app.labels,
  ...app.spec.podLabels,
  ...ownLabels(app),
  ...versionLabel(app),
})

/** The labels of the selector, and those that Kubernetes recommends. */
const ownLabels = ({ name }: App): Record<string, string> => ({
  ...selectorLabels(name),
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/instance': name,
  'app.kubernetes.io/managed-by': 'myapp-operator',
})

function versionLabel({ spec }: App): Record<string, string> {
  const version = versionOf(spec.image)
  return version === undefined ? {} : { 'app.kubernetes.io/version': version }
}

/** The tag of an image; undefined if it has none, or one that is not a valid label value. */
function versionOf(image: string): string | undefined {
  const tag = /:([A-Za-z0-9_][-.\w]*)(@.*)?$/.exec(image)?.[1]
  return tag !== undefined && /^[A-Za-z0-9]([-.\w]{0,61}[A-Za-z0-9])?$/.test(tag) ? tag : undefined
}
