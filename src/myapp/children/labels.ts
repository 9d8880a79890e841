/** What the pods of a MyApp are selected by. A Deployment's selector can never change, so neither may this. */
export const selectorLabels = (name: string) => ({ app: name, 'managed-by': 'myapp-operator' })

/** The labels of every child and pod: those of the selector and the set that Kubernetes recommends. */
export function childLabels(name: string, image: string): Record<string, string> {
  const version = versionOf(image)
  return {
    ...selectorLabels(name),
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': name,
    ...(version !== undefined && { 'app.kubernetes.io/version': version }),
    'app.kubernetes.io/managed-by': 'myapp-operator',
  }
}

/** The tag of an image, where it has one that can be the value of a label. */
function versionOf(image: string): string | undefined {
  const tag = /:([A-Za-z0-9_][-.\w]*)(@.*)?$/.exec(image)?.[1]
  return tag !== undefined && /^[A-Za-z0-9]([-.\w]{0,61}[A-Za-z0-9])?$/.test(tag) ? tag : undefined
}
