import { lastAppliedAnnotation } from '../metacontroller/last-applied.ts'
import { classAnnotation } from './network.ts'
import { singleTargets, targetFields } from './scaling.ts'
import * as forms from './formats.ts'
import { escalating } from './pod.ts'
import { canonicalQuantity, divisors, divisorWords, thousandthsOf } from './quantity.ts'
import { envMaxCharacters, type MyAppSpec } from './myapp.ts'
import {
  type Expression,
  nodeExpression,
  nodeField,
  onLabel,
  podExpression,
  withLabelValues,
} from './selectors.ts'

/** Something that is wrong with a MyApp: where it is, and what, in words. */
export interface Problem {
  path: Array<string | number>
  message: string
  /** The name of a field that does not belong there, which is for `path` to have. */
  stray?: string
}

/** What fits the schema field by field and not as a whole. */
export function brokenRules(spec: MyAppSpec): Problem[] {
  return [
    ...envProblems(spec.env ?? []),
    ...volumeProblems(spec.volumes ?? []),
    ...resourceProblems(spec.resources),
    ...probeProblems(spec.probes),
    ...labelProblems(spec),
    ...tolerationProblems(spec.tolerations),
    ...affinityProblems(spec.affinity),
    ...formProblems(spec),
    ...securityProblems(spec),
    ...contradictions(spec),
  ]
}

/** One character, which JavaScript counts as two and the API server does not. */
const pair = /[\ud800-\udbff][\udc00-\udfff]/g

const charactersOf = (text: string) => text.length - (text.match(pair)?.length ?? 0)

function envProblems(env: NonNullable<MyAppSpec['env']>): Problem[] {
  const characters = env.reduce(
    (sum, { name, value = '' }) => sum + charactersOf(name) + charactersOf(value),
    0,
  )
  return [
    ...twice(['env'], names(env)),
    ...(characters > envMaxCharacters
      ? [
          problem(
            ['env'],
            `names and values have ${characters} characters in all, more than the ${envMaxCharacters} that fit`,
          ),
        ]
      : []),
    ...env.flatMap(({ value, valueFrom }, index) =>
      value && valueFrom ? [problem(['env', index], 'value and valueFrom are both given')] : [],
    ),
  ]
}

/** Values of a field that an item of a list before has already. */
function twice(list: string[], values: string[], field = 'name'): Problem[] {
  const known = new Set<string>()
  return values.flatMap((value, index) =>
    known.size === known.add(value).size
      ? [problem([...list, index, field], `${JSON.stringify(value)} is there twice`)]
      : [],
  )
}

const names = (items: Array<{ name: string }> = []) => items.map(({ name }) => name)

function volumeProblems(volumes: NonNullable<MyAppSpec['volumes']>): Problem[] {
  return [
    ...twice(['volumes'], names(volumes)),
    ...twice(
      ['volumes'],
      volumes.map(({ mountPath }) => mountPath),
      'mountPath',
    ),
  ]
}

function resourceProblems({
  requests = {},
  limits = {},
}: NonNullable<MyAppSpec['resources']> = {}): Problem[] {
  return (['cpu', 'memory', 'ephemeral-storage'] as const).flatMap((resource) => {
    const { [resource]: request = 0 } = requests
    const { [resource]: limit = request } = limits
    return thousandthsOf(request) > thousandthsOf(limit)
      ? [
          problem(
            ['resources', 'requests', resource],
            `${request} is more than the limit, ${limit}`,
          ),
        ]
      : []
  })
}

function probeProblems(probes: NonNullable<MyAppSpec['probes']> = {}): Problem[] {
  return (['startup', 'liveness'] as const).flatMap((check) =>
    (probes[check]?.successThreshold ?? 1) === 1
      ? []
      : [problem(['probes', check, 'successThreshold'], 'it can only be 1 here')],
  )
}

function labelProblems({ podLabels, nodeSelector, podAnnotations, ingress }: MyAppSpec): Problem[] {
  return [
    ...Object.entries({ podLabels, nodeSelector }).flatMap(([field, all]) =>
      ofLabels([field], all),
    ),
    ...wrongKeys(['podAnnotations'], podAnnotations, forms.annotationKey),
    ...wrongKeys(['ingress', 'annotations'], ingress?.annotations, forms.annotationKey),
  ]
}

const wrongKeys = (path: Problem['path'], all: Record<string, string> = {}, form: forms.Form) =>
  Object.keys(all)
    .filter((key) => !form.fits(key))
    .map((key) => problem([...path, key], `its name is ${form.words}`))

const ofLabels = (path: Problem['path'], all: Record<string, string> = {}) => [
  ...wrongKeys(path, all, forms.labelKey),
  ...Object.entries(all)
    .filter(([, value]) => !forms.labelValue.fits(value))
    .map(([key]) => problem([...path, key], `its value is ${forms.labelValue.words}`)),
]

function tolerationProblems(tolerations: MyAppSpec['tolerations'] = []): Problem[] {
  return tolerations.flatMap(
    ({ key = '', operator, value = '', effect, tolerationSeconds }, index) => [
      ...(key === '' && operator !== 'Exists'
        ? [problem(['tolerations', index, 'operator'], 'without a key it is to be Exists')]
        : []),
      ...(value !== '' && operator === 'Exists'
        ? [problem(['tolerations', index, 'value'], 'it does not go with the operator Exists')]
        : []),
      ...(tolerationSeconds !== undefined && effect !== 'NoExecute'
        ? [
            problem(
              ['tolerations', index, 'tolerationSeconds'],
              'it goes with the effect NoExecute only',
            ),
          ]
        : []),
      ...(key === '' || forms.labelKey.fits(key)
        ? []
        : [problem(['tolerations', index, 'key'], `it is ${forms.labelKey.words}`)]),
      ...(forms.labelValue.fits(value)
        ? []
        : [problem(['tolerations', index, 'value'], `it is ${forms.labelValue.words}`)]),
    ],
  )
}

const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
] as const

function affinityProblems({
  nodeAffinity,
  podAffinity,
  podAntiAffinity,
}: NonNullable<MyAppSpec['affinity']> = {}): Problem[] {
  const nodes = [
    ...(nodeAffinity?.[required]?.nodeSelectorTerms ?? []).map((term, index) => ({
      path: ['nodeAffinity', required, 'nodeSelectorTerms', index],
      term,
    })),
    ...(nodeAffinity?.[preferred] ?? []).map(({ preference: term }, index) => ({
      path: ['nodeAffinity', preferred, index, 'preference'],
      term,
    })),
  ]
  const pods = Object.entries({ podAffinity, podAntiAffinity }).flatMap(([field, affinity]) => [
    ...(affinity?.[required] ?? []).map((term, index) => ({
      path: [field, required, index],
      term,
    })),
    ...(affinity?.[preferred] ?? []).map(({ podAffinityTerm: term }, index) => ({
      path: [field, preferred, index, 'podAffinityTerm'],
      term,
    })),
  ])
  const wrong = (
    path: Problem['path'],
    conditions: Expression[] = [],
    ...all: Array<forms.Form<Expression>>
  ) =>
    conditions.flatMap((condition, index) =>
      all.flatMap((form) => unlike(['affinity', ...path, index], condition, form)),
    )
  return [
    ...nodes.flatMap(({ path, term }) => [
      // A value that no label has is refused where it must hold, and is a wish that nothing meets elsewhere.
      ...wrong(
        [...path, 'matchExpressions'],
        term.matchExpressions,
        nodeExpression,
        onLabel,
        ...(path.includes(required) ? [withLabelValues] : []),
      ),
      ...wrong([...path, 'matchFields'], term.matchFields, nodeField),
    ]),
    ...pods.flatMap(({ path, term }) => [
      ...(['labelSelector', 'namespaceSelector'] as const).flatMap((selector) => [
        ...wrong(
          [...path, selector, 'matchExpressions'],
          term[selector]?.matchExpressions,
          podExpression,
          onLabel,
          withLabelValues,
        ),
        ...ofLabels(['affinity', ...path, selector, 'matchLabels'], term[selector]?.matchLabels),
      ]),
      ...(forms.labelKey.fits(term.topologyKey)
        ? []
        : [problem(['affinity', ...path, 'topologyKey'], `it is ${forms.labelKey.words}`)]),
      ...(term.namespaces ?? []).flatMap((namespace, index) =>
        unlike(['affinity', ...path, 'namespaces', index], namespace, forms.namespaceName),
      ),
    ]),
  ]
}

/** Texts that are not of the form that Kubernetes asks of them. */
function formProblems({
  env = [],
  envFrom = [],
  volumes = [],
  serviceAccountName,
  priorityClassName,
  ingress,
  gateway,
  networkPolicy = {},
}: MyAppSpec): Problem[] {
  return [
    ...env.flatMap(({ valueFrom }, index) =>
      valueFrom === undefined ? [] : variableProblems(['env', index, 'valueFrom'], valueFrom),
    ),
    ...envFrom.flatMap(({ prefix, configMapRef, secretRef }, index) => [
      ...unlike(['envFrom', index, 'prefix'], prefix, forms.variablePrefix),
      ...Object.entries({ configMapRef, secretRef }).flatMap(([source, ref]) =>
        unlike(['envFrom', index, source, 'name'], ref?.name, forms.objectName),
      ),
    ]),
    ...volumes.flatMap(({ subPath, configMap, secret }, index) => [
      ...unlike(['volumes', index, 'subPath'], subPath, forms.volumePath),
      ...Object.entries({ configMap, secret }).flatMap(([source, files]) =>
        (files?.items ?? []).flatMap(({ path }, item) =>
          unlike(['volumes', index, source, 'items', item, 'path'], path, forms.filePath),
        ),
      ),
    ]),
    ...unlike(['serviceAccountName'], serviceAccountName, forms.objectName),
    ...unlike(['priorityClassName'], priorityClassName, forms.optionalName),
    ...unlike(['ingress', 'host'], ingress?.host, forms.hostName),
    ...unlike(['ingress', 'ingressClassName'], ingress?.ingressClassName, forms.objectName),
    ...unlike(['ingress', 'tlsSecretName'], ingress?.tlsSecretName, forms.objectName),
    ...(ingress?.pathType === 'ImplementationSpecific'
      ? []
      : unlike(['ingress', 'path'], ingress?.path, forms.plainPath)),
    ...(gateway?.parentRefs ?? []).flatMap(({ namespace, sectionName }, index) => [
      ...unlike(['gateway', 'parentRefs', index, 'namespace'], namespace, forms.namespaceName),
      ...unlike(['gateway', 'parentRefs', index, 'sectionName'], sectionName, forms.objectName),
    ]),
    ...(gateway?.hostnames ?? []).flatMap((host, index) =>
      unlike(['gateway', 'hostnames', index], host, forms.hostName),
    ),
    ...Object.entries(networkPolicy).flatMap(([side, peers]) =>
      peers.flatMap((peer, index) =>
        Object.entries(peer).flatMap(([field, name]) =>
          unlike(['networkPolicy', side, index, field], name, forms.peerName),
        ),
      ),
    ),
  ]
}

function variableProblems(
  path: Problem['path'],
  {
    secretKeyRef,
    configMapKeyRef,
    fieldRef,
    resourceFieldRef,
  }: NonNullable<NonNullable<MyAppSpec['env']>[number]['valueFrom']>,
): Problem[] {
  const { resource = '', divisor = 1 } = resourceFieldRef ?? {}
  return [
    ...Object.entries({ secretKeyRef, configMapKeyRef }).flatMap(([source, ref]) => [
      ...unlike([...path, source, 'name'], ref?.name, forms.objectName),
      ...unlike([...path, source, 'key'], ref?.key, forms.configKey),
    ]),
    ...unlike([...path, 'fieldRef', 'fieldPath'], fieldRef?.fieldPath, forms.podField),
    ...unlike(
      [...path, 'resourceFieldRef', 'resource'],
      resourceFieldRef?.resource,
      forms.containerResource,
    ),
    ...(divisors(resource).includes(canonicalQuantity(divisor))
      ? []
      : [problem([...path, 'resourceFieldRef', 'divisor'], divisorWords)]),
  ]
}

/** What is wrong where a value has not the form. */
const unlike = <Value>(
  path: Problem['path'],
  value: Value | undefined,
  form: forms.Form<Value>,
): Problem[] => (value === undefined || form.fits(value) ? [] : [problem(path, form.words)])

function securityProblems({
  securityContext = {},
  containerSecurityContext = {},
}: MyAppSpec): Problem[] {
  const { privileged, allowPrivilegeEscalation, capabilities } = containerSecurityContext
  return [
    ...Object.entries({ securityContext, containerSecurityContext }).flatMap(
      ([field, { seccompProfile: { type, localhostProfile } = {} }]) => [
        ...((type === 'Localhost') === (localhostProfile !== undefined)
          ? []
          : [
              problem(
                [field, 'seccompProfile', 'localhostProfile'],
                'it goes with type Localhost, which needs it',
              ),
            ]),
        ...unlike(
          [field, 'seccompProfile', 'localhostProfile'],
          localhostProfile,
          forms.profilePath,
        ),
      ],
    ),
    ...Object.entries({ securityContext, containerSecurityContext }).flatMap(
      ([field, ids]: [string, { runAsUser?: number; runAsGroup?: number; fsGroup?: number }]) =>
        (['runAsUser', 'runAsGroup', 'fsGroup'] as const).flatMap((id) =>
          (ids[id] ?? 0) <= forms.idMaximum
            ? []
            : [problem([field, id], `${ids[id]} is more than the maximum of ${forms.idMaximum}`)],
        ),
    ),
    ...(privileged && allowPrivilegeEscalation === false
      ? [
          problem(
            ['containerSecurityContext', 'allowPrivilegeEscalation'],
            'it cannot be false for what is privileged',
          ),
        ]
      : []),
    ...(allowPrivilegeEscalation === false && capabilities?.add?.includes(escalating)
      ? [
          problem(
            ['containerSecurityContext', 'allowPrivilegeEscalation'],
            `it cannot be false with the capability ${escalating}`,
          ),
        ]
      : []),
  ]
}

function contradictions(spec: MyAppSpec): Problem[] {
  const {
    podSecurity,
    securityContext,
    containerSecurityContext,
    expose,
    ingress,
    gateway,
    minReadySeconds = 0,
    progressDeadlineSeconds = 600,
    strategy,
  } = spec
  return [
    ...((securityContext || containerSecurityContext) && podSecurity !== 'Custom'
      ? [
          problem(
            ['podSecurity'],
            'securityContext and containerSecurityContext go with podSecurity Custom only',
          ),
        ]
      : []),
    ...(expose === false && (ingress || gateway)
      ? [problem(['expose'], 'ingress and gateway need a Service, and expose is false')]
      : []),
    ...(minReadySeconds >= progressDeadlineSeconds
      ? [
          problem(
            ['minReadySeconds'],
            `${minReadySeconds} is not less than progressDeadlineSeconds, ${progressDeadlineSeconds}`,
          ),
        ]
      : []),
    ...autoscalingProblems(spec.autoscaling),
    ...((ingress?.annotations?.[classAnnotation] ?? ingress?.ingressClassName) ===
      ingress?.ingressClassName || ingress?.ingressClassName === undefined
      ? []
      : [
          problem(
            ['ingress', 'annotations', classAnnotation],
            'it says another class than ingressClassName',
          ),
        ]),
    ...(ingress?.annotations?.[lastAppliedAnnotation] === undefined
      ? []
      : [problem(['ingress', 'annotations', lastAppliedAnnotation], "it is Metacontroller's own")]),
    ...twice(['imagePullSecrets'], names(spec.imagePullSecrets)),
    ...twice(
      ['topologySpreadConstraints'],
      (spec.topologySpreadConstraints ?? []).map(
        ({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`,
      ),
      'topologyKey',
    ),
    ...twice(['gateway', 'parentRefs'], names(gateway?.parentRefs)).map(({ path, message }) => ({
      path,
      message: `${message}; without a sectionName it stands for all of its listeners`,
    })),
    ...(strategy?.rollingUpdate && strategy.type !== 'RollingUpdate'
      ? [problem(['strategy', 'rollingUpdate'], 'it goes with type RollingUpdate only')]
      : []),
    ...(['from', 'to'] as const).flatMap((side) =>
      (spec.networkPolicy?.[side] ?? []).flatMap(({ app, namespace }, index) =>
        app === undefined && namespace === undefined
          ? [problem(['networkPolicy', side, index], 'app or namespace is to be given')]
          : [],
      ),
    ),
  ]
}

function autoscalingProblems(autoscaling: MyAppSpec['autoscaling']): Problem[] {
  if (autoscaling === undefined) return []
  const { minReplicas = 1, maxReplicas, metrics = [] } = autoscaling
  return [
    ...(minReplicas > maxReplicas
      ? [
          problem(
            ['autoscaling', 'minReplicas'],
            `${minReplicas} is more than maxReplicas, ${maxReplicas}`,
          ),
        ]
      : []),
    ...metrics.flatMap(({ type, ...sources }, index) =>
      Object.keys(sources).join() === type.charAt(0).toLowerCase() + type.slice(1)
        ? []
        : [
            problem(
              ['autoscaling', 'metrics', index],
              'the field that type names is to be given, and no other',
            ),
          ],
    ),
    ...metrics.flatMap((metric, index) =>
      Object.entries(targetFields).flatMap(([source, fields]) => {
        const { target = undefined } = metric[source as keyof typeof targetFields] ?? {}
        if (target === undefined) return []
        const path = ['autoscaling', 'metrics', index, source, 'target']
        const given = fields.filter((field) => target[field] !== undefined)
        return [
          ...(given.length === 0 ? [problem(path, `${fields.join(' or ')} is missing`)] : []),
          ...(given.length > 1 && singleTargets.some((single) => single === source)
            ? [problem(path, `${given.join(' and ')} are both given`)]
            : []),
          ...(['averageValue', 'value'] as const).flatMap((field) =>
            target[field] !== undefined && thousandthsOf(target[field]) === 0n
              ? [problem([...path, field], 'it is not more than 0')]
              : [],
          ),
        ]
      }),
    ),
    ...metrics.flatMap(({ containerResource, pods, object, external }, index) => [
      ...Object.entries({ pods, object, external }).flatMap(([source, of]) =>
        unlike(
          ['autoscaling', 'metrics', index, source, 'metric', 'name'],
          of?.metric.name,
          forms.pathPart,
        ),
      ),
      ...(['kind', 'name'] as const).flatMap((field) =>
        unlike(
          ['autoscaling', 'metrics', index, 'object', 'describedObject', field],
          object?.describedObject[field],
          forms.pathPart,
        ),
      ),
      ...unlike(
        ['autoscaling', 'metrics', index, 'object', 'describedObject', 'apiVersion'],
        object?.describedObject.apiVersion,
        forms.versionOfKind,
      ),
      ...unlike(
        ['autoscaling', 'metrics', index, 'containerResource', 'name'],
        containerResource?.name,
        forms.measuredResource,
      ),
      ...unlike(
        ['autoscaling', 'metrics', index, 'containerResource', 'container'],
        containerResource?.container,
        forms.containerName,
      ),
    ]),
  ]
}

const problem = (path: Problem['path'], message: string): Problem => ({
  path: ['spec', ...path],
  message,
})
