import Type from 'typebox'
import {
  atLeastOne,
  choice,
  exactlyOne,
  formatted,
  integer,
  list,
  map,
  object,
  opt,
  podsOrPercent,
  positiveQuantity,
  rule,
  rules,
  text,
} from './fields.ts'
import { operator } from './pod.ts'

/** Fields of a MyApp for the number of pods: the autoscaler and the disruption budget. */

const target = (options: object) =>
  object(
    'Target value of the metric.',
    {
      type: choice(
        ['Utilization', 'AverageValue', 'Value'],
        'The field that is set: averageUtilization, averageValue or value.',
      ),
      averageUtilization: opt(integer('Percentage of the requests of the pods.', 1, 10_000)),
      averageValue: opt(positiveQuantity('Average over all pods.')),
      value: opt(
        positiveQuantity('Target for the metric itself, not divided by the number of pods.'),
      ),
    },
    options,
  )
/** Kubernetes does not check the syntax of these labels. Only the autoscaler reads them. */
const selector = object('Label selector of the metric.', {
  matchLabels: opt(map('Labels with their values. All must match.')),
  matchExpressions: opt(
    list(
      'Conditions on labels. All must hold.',
      object('A condition on a label.', {
        key: text('Key of the label.', { minLength: 1, maxLength: 317 }),
        operator,
        values: opt(list('Values.', Type.String({ maxLength: 63 }), 64)),
      }),
      32,
    ),
  ),
})
const metric = object('The metric.', {
  name: formatted('pathSegment', 'Name of the metric.', { minLength: 1 }),
  selector: opt(selector),
})
const resourceTarget = target(exactlyOne('averageUtilization', 'averageValue'))

/** The source of a metric for each type. */
const sources = {
  resource: opt(
    object('CPU or memory of the pods.', {
      name: text('cpu or memory.', { minLength: 1, maxLength: 63 }),
      target: resourceTarget,
    }),
  ),
  containerResource: opt(
    object('CPU or memory of one container.', {
      name: formatted('measuredResource', 'Resource, such as cpu or memory.', { maxLength: 63 }),
      container: formatted('containerName', "Name of the container. The app's is named app.", {
        maxLength: 63,
      }),
      target: resourceTarget,
    }),
  ),
  pods: opt(
    object('A metric of every pod.', { metric, target: target(atLeastOne('averageValue')) }),
  ),
  object: opt(
    object('A metric of another object.', {
      describedObject: object('The object.', {
        apiVersion: opt(formatted('apiVersion', 'API version of the object.', { minLength: 1 })),
        kind: formatted('pathSegment', 'Kind of the object.', { minLength: 1, maxLength: 63 }),
        name: formatted('pathSegment', 'Name of the object.', { minLength: 1 }),
      }),
      metric,
      target: target(atLeastOne('averageValue', 'value')),
    }),
  ),
  external: opt(
    object('A metric from outside the cluster.', {
      metric,
      target: target(exactlyOne('averageValue', 'value')),
    }),
  ),
}

/** The field that holds the source of a metric of this type. */
export const metricSource = (type: string) => type.charAt(0).toLowerCase() + type.slice(1)
const metricTypes = ['Resource', 'ContainerResource', 'Pods', 'Object', 'External'] as const
/** The message for a metric whose source does not match its type. */
export const metricMessage = 'the field for type must be set, and no other'

export const Metric = object(
  'A metric of autoscaling/v2.',
  {
    type: choice(metricTypes, 'Type of the metric. The field of that name must be set.'),
    ...sources,
  },
  rules(
    rule(
      metricTypes
        .map((type) => `has(self.${metricSource(type)}) == (self.type == '${type}')`)
        .join(' && '),
      metricMessage,
    ),
  ),
)

const scalingRules = (description: string) =>
  object(description, {
    stabilizationWindowSeconds: opt(
      integer(
        'The autoscaler looks back this many seconds, and uses the lowest recommendation for ' +
          'scaleUp, and the highest for scaleDown. Defaults to 0 for scaleUp, 300 for scaleDown.',
        0,
        3600,
      ),
    ),
    selectPolicy: opt(
      choice(
        ['Max', 'Min', 'Disabled'],
        'Max: the policy that allows the most pods applies. Min: the policy that allows the ' +
          'fewest applies. Disabled: no scaling in this direction. Defaults to Max.',
      ),
    ),
    policies: opt(
      list(
        'How many pods may change in a period.',
        object('A limit.', {
          type: choice(['Pods', 'Percent'], 'Unit of value: pods, or percent of the pods.'),
          value: integer('Maximum number of pods, or percent of the pods.', 1, 10_000),
          periodSeconds: integer('Seconds of the period.', 1, 1800),
        }),
        8,
        { minItems: 1 },
      ),
    ),
  })

export const Autoscaling = object(
  'Scales the pods by load, in place of replicas. After its removal, replicas applies again.',
  {
    minReplicas: opt(integer('Minimum number of pods. Defaults to 1.', 1, 100)),
    maxReplicas: integer('Maximum number of pods.', 1, 100),
    targetCPUUtilizationPercentage: opt(
      integer(
        'Target CPU usage, as a percentage of the requests. Defaults to 80 if no other ' +
          'target and no metric is set.',
        1,
        1000,
      ),
    ),
    targetMemoryUtilizationPercentage: opt(
      integer('Target memory usage, as a percentage of the requests.', 1, 1000),
    ),
    metrics: opt(list('More metrics, as in autoscaling/v2.', Metric, 16)),
    behavior: opt(
      object('How fast the autoscaler adds and removes pods, as in autoscaling/v2.', {
        scaleUp: opt(scalingRules('How the autoscaler adds pods.')),
        scaleDown: opt(scalingRules('How the autoscaler removes pods.')),
      }),
    ),
  },
  rules(
    rule(
      '(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas',
      'minReplicas must be at most maxReplicas',
    ),
  ),
)

export const Disruption = object(
  'How many pods a node drain may evict at once. Defaults to one for an app that may have two ' +
    'pods or more. Exactly one of maxUnavailable and minAvailable must be set.',
  {
    maxUnavailable: opt(
      podsOrPercent('Maximum number of unavailable pods during evictions, such as 1 or "25%".'),
    ),
    minAvailable: opt(podsOrPercent('Minimum number of available pods, such as 2 or "50%".')),
  },
  exactlyOne('maxUnavailable', 'minAvailable'),
)

export type Metric = Type.Static<typeof Metric>
