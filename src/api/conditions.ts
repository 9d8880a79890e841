/**
 * Every condition of a MyApp. docs/status.md and the descriptions in the CRD list them.
 * `reasons` and `conditionReasons` in reasons.ts contain their reasons.
 */
export const conditions = {
  Ready: {
    isTrue: 'The phase is Running.',
    exists: 'always',
  },
  Reconciling: {
    isTrue: 'The phase is Pending.',
    exists: 'always',
  },
  Stalled: {
    isTrue: 'The phase is Failed.',
    exists: 'always',
  },
  Available: {
    isTrue: 'The Deployment has enough available pods.',
    exists: 'unless the MyApp is being deleted',
  },
  ConfigReady: {
    isTrue: 'Every required ConfigMap, Secret and key exists.',
    exists: 'if the spec is valid and the pods use ConfigMaps or Secrets',
  },
  Scaled: {
    isTrue: 'The autoscaler gets its metrics and acts on them.',
    exists: 'with `autoscaling`, or while a HorizontalPodAutoscaler exists',
  },
  Routed: {
    isTrue: 'The Ingress has an address, and every Gateway accepts the HTTPRoute.',
    exists: 'with `ingress` or `gateway`, or while an Ingress or HTTPRoute exists',
  },
  Monitored: {
    isTrue: 'A PodMonitor selects the pods.',
    exists: 'if the spec is valid and sets `metrics`',
  },
  AdmissionChanged: {
    isTrue:
      'A policy or a webhook of the cluster changed a field that the MyApp sets. ' +
      'The message names fields and both values.',
    exists: 'only while it is True',
  },
  Unrepaired: {
    isTrue:
      'A list of a child has more than 1000 foreign items, so none is removed. The message names ' +
      'the list.',
    exists: 'only while it is True',
  },
} as const satisfies Record<string, { isTrue: string; exists: string }>

export type ConditionType = keyof typeof conditions
