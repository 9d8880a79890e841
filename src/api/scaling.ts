import Type from 'typebox'
import { containerName, measuredResource, pathPart, versionOfKind } from './formats.ts'
import { LabelSelector } from './pod.ts'
import {
  bareQuantity,
  eachOfForm,
  exactlyOne,
  ifGiven,
  laterRule,
  object,
  opt,
  podsOrPercent,
} from './fields.ts'

/** Fields of a MyApp that say how many pods run: the autoscaler and the disruption budget. */

const name = (description: string, maxLength = 253) =>
  Type.String({ description, minLength: 1, maxLength })
const integer = (description: string, minimum: number, maximum: number) =>
  Type.Integer({ description, format: 'int32', minimum, maximum })

const target = object('What the autoscaler aims at.', {
  type: Type.Enum(['Utilization', 'AverageValue', 'Value'], {
    type: 'string',
    description: 'Which of the three follows.',
  }),
  averageUtilization: opt(integer('Percent of what the pods request.', 1, 10_000)),
  averageValue: opt(bareQuantity('A value for each pod.')),
  value: opt(bareQuantity('A value for all of them.')),
})
const metric = object('The metric.', {
  name: name('Name of the metric.'),
  selector: opt(LabelSelector),
})
const resource = name('cpu or memory.', 63)
export const Metric = object(
  'A metric of autoscaling/v2.',
  {
    type: Type.Enum(['Resource', 'ContainerResource', 'Pods', 'Object', 'External'], {
      type: 'string',
      description: 'Where it comes from; the field of that name follows.',
    }),
    resource: opt(object('cpu or memory of the pods.', { name: resource, target })),
    containerResource: opt(
      object('cpu or memory of one container.', {
        name: resource,
        container: name('Name of the container; that of a MyApp is app.', 63),
        target,
      }),
    ),
    pods: opt(object('A metric of each pod.', { metric, target })),
    object: opt(
      object('A metric of another object.', {
        describedObject: object('The object.', {
          apiVersion: opt(name('Its API version.')),
          kind: name('Its kind.', 63),
          name: name('Its name.'),
        }),
        metric,
        target,
      }),
    ),
    external: opt(object('A metric from outside the cluster.', { metric, target })),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: "has(self.resource) == (self.type == 'Resource') && has(self.containerResource) == (self.type == 'ContainerResource') && has(self.pods) == (self.type == 'Pods') && has(self.object) == (self.type == 'Object') && has(self.external) == (self.type == 'External')",
        message: 'the field that type names is to be given, and no other',
      },
    ],
  },
)

/** What the target of a metric tells at least one of, by the field that holds it. */
export const targetFields = {
  resource: ['averageUtilization', 'averageValue'],
  containerResource: ['averageUtilization', 'averageValue'],
  pods: ['averageValue'],
  object: ['averageValue', 'value'],
  external: ['averageValue', 'value'],
} as const
/** Where it may not tell both. */
export const singleTargets = ['resource', 'containerResource', 'external'] as const

const allTargets = (
  sources: readonly string[],
  rule: (target: string, fields: readonly string[]) => string,
) =>
  `self.all(one, ${sources.map((source) => ifGiven('one', `${source}.target`, (target) => rule(target, targetFields[source as keyof typeof targetFields]))).join(' && ')})`
const given = (target: string, fields: readonly string[]) =>
  fields.map((field) => `has(${target}.${field})`)
const isPositive = (value: string) =>
  `!isQuantity(string(${value})) || quantity(string(${value})).isGreaterThan(quantity('0'))`
const metricRules = [
  laterRule(
    allTargets(Object.keys(targetFields), (target, fields) => given(target, fields).join(' || ')),
    'a target needs averageUtilization or averageValue for Resource and ContainerResource, averageValue for Pods, averageValue or value for Object and External',
  ),
  laterRule(
    allTargets(singleTargets, (target, fields) => `!(${given(target, fields).join(' && ')})`),
    'a target has averageUtilization or averageValue for Resource and ContainerResource, averageValue or value for External, and not both',
  ),
  laterRule(
    allTargets(Object.keys(targetFields), (target) =>
      ['averageValue', 'value'].map((field) => ifGiven(target, field, isPositive)).join(' && '),
    ),
    'averageValue and value are more than 0',
  ),
  ...['pods', 'object', 'external'].map((source) => eachOfForm(`${source}.metric.name`, pathPart)),
  ...['kind', 'name'].map((field) => eachOfForm(`object.describedObject.${field}`, pathPart)),
  eachOfForm('object.describedObject.apiVersion', versionOfKind),
  eachOfForm('containerResource.name', measuredResource),
  eachOfForm('containerResource.container', containerName),
]

export const Autoscaling = object(
  "Replicas by load, in place of replicas. From then on the number is the autoscaler's. When it is taken away again, it is that of replicas: 1 where left out.",
  {
    minReplicas: opt(integer('At least so many. 1 unless given.', 1, 100)),
    maxReplicas: integer('At most so many.', 1, 100),
    targetCPUUtilizationPercentage: opt(
      integer(
        'CPU that the pods are to use, in percent of what they request. 80 where no target and no metric is given.',
        1,
        1000,
      ),
    ),
    targetMemoryUtilizationPercentage: opt(
      integer('Memory that the pods are to use, in percent of what they request.', 1, 1000),
    ),
    metrics: opt(
      Type.Array(Metric, {
        description: 'Any other metric of autoscaling/v2.',
        maxItems: 16,
        'x-kubernetes-validations': metricRules,
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: '(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas',
        message: 'minReplicas is more than maxReplicas',
      },
    ],
  },
)

export const Disruption = object(
  'How many pods a drain may take at once: a PodDisruptionBudget. From two replicas on one, unless given.',
  {
    maxUnavailable: opt(podsOrPercent('At most so many are taken.')),
    minAvailable: opt(podsOrPercent('At least so many stay.')),
  },
  exactlyOne('disruption'),
)
