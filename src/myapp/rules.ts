import * as forms from './forms.ts'
import { thousandthsOf } from './quantity.ts'
import { envMaxCharacters, type MyAppSpec } from './schema.ts'

/** Something that is wrong with a MyApp: where it is, and what, in words. */
export interface Problem {
  path: Array<string | number>
  message: string
  /** The name of a field that does not belong there, which is for `path` to have. */
  stray?: string
}

/** What fits the schema field by field and not as a whole. */
export function brokenRules (spec: MyAppSpec): Problem[] {
  return [...envProblems(spec.env ?? []), ...volumeProblems(spec.volumes ?? []), ...resourceProblems(spec.resources), ...probeProblems(spec.probes), ...labelProblems(spec), ...tolerationProblems(spec.tolerations), ...formProblems(spec), ...contradictions(spec)]
}

function envProblems (env: NonNullable<MyAppSpec['env']>): Problem[] {
  const characters = env.reduce((sum, { name, value = '' }) => sum + [...name].length + [...value].length, 0)
  return [
    ...twice(['env'], names(env)),
    ...characters > envMaxCharacters ? [problem(['env'], `names and values have ${characters} characters in all, more than the ${envMaxCharacters} that fit`)] : [],
    ...env.flatMap(({ value, valueFrom }, index) => value && valueFrom ? [problem(['env', index], 'value and valueFrom are both given')] : []),
  ]
}

/** Values of a field that an item of a list before has already. */
function twice (list: string[], values: string[], field = 'name'): Problem[] {
  const known = new Set<string>()
  return values.flatMap((value, index) => known.size === known.add(value).size ? [problem([...list, index, field], `${JSON.stringify(value)} is there twice`)] : [])
}

const names = (items: Array<{ name: string }> = []) => items.map(({ name }) => name)

function volumeProblems (volumes: NonNullable<MyAppSpec['volumes']>): Problem[] {
  return [...twice(['volumes'], names(volumes)), ...twice(['volumes'], volumes.map(({ mountPath }) => mountPath), 'mountPath')]
}

function resourceProblems ({ requests = {}, limits = {} }: NonNullable<MyAppSpec['resources']> = {}): Problem[] {
  return (['cpu', 'memory', 'ephemeral-storage'] as const).flatMap((resource) => {
    const { [resource]: request = 0 } = requests
    const { [resource]: limit = request } = limits
    return thousandthsOf(request) > thousandthsOf(limit) ? [problem(['resources', 'requests', resource], `${request} is more than the limit, ${limit}`)] : []
  })
}

function probeProblems (probes: NonNullable<MyAppSpec['probes']> = {}): Problem[] {
  return (['startup', 'liveness'] as const).flatMap((check) => (probes[check]?.successThreshold ?? 1) === 1 ? [] : [problem(['probes', check, 'successThreshold'], 'it can only be 1 here')])
}

function labelProblems ({ podLabels, nodeSelector, podAnnotations, ingress }: MyAppSpec): Problem[] {
  const wrongKeys = (path: string[], all: Record<string, string> = {}, form: forms.Form) =>
    Object.keys(all).filter((key) => !form.fits(key)).map((key) => problem([...path, key], `its name is ${form.words}`))
  const wrongValues = (path: string[], all: Record<string, string> = {}) =>
    Object.keys(all).filter((key) => !forms.labelValue.fits(all[key] ?? '')).map((key) => problem([...path, key], `its value is ${forms.labelValue.words}`))
  return [
    ...Object.entries({ podLabels, nodeSelector }).flatMap(([field, all]) => [...wrongKeys([field], all, forms.labelKey), ...wrongValues([field], all)]),
    ...wrongKeys(['podAnnotations'], podAnnotations, forms.annotationKey),
    ...wrongKeys(['ingress', 'annotations'], ingress?.annotations, forms.annotationKey),
  ]
}

function tolerationProblems (tolerations: MyAppSpec['tolerations'] = []): Problem[] {
  return tolerations.flatMap(({ key = '', operator, value = '', effect, tolerationSeconds }, index) => [
    ...key === '' && operator !== 'Exists' ? [problem(['tolerations', index, 'operator'], 'without a key it is to be Exists')] : [],
    ...value !== '' && operator === 'Exists' ? [problem(['tolerations', index, 'value'], 'it does not go with the operator Exists')] : [],
    ...tolerationSeconds !== undefined && effect !== 'NoExecute' ? [problem(['tolerations', index, 'tolerationSeconds'], 'it goes with the effect NoExecute only')] : [],
    ...key === '' || forms.labelKey.fits(key) ? [] : [problem(['tolerations', index, 'key'], `it is ${forms.labelKey.words}`)],
    ...forms.labelValue.fits(value) ? [] : [problem(['tolerations', index, 'value'], `it is ${forms.labelValue.words}`)],
  ])
}

/** Texts that are not of the form that Kubernetes asks of them. */
function formProblems ({ env = [], volumes = [], serviceAccountName, ingress, gateway }: MyAppSpec): Problem[] {
  const unlike = (path: Problem['path'], text: string | undefined, form: forms.Form) => text === undefined || form.fits(text) ? [] : [problem(path, form.words)]
  return [
    ...env.flatMap(({ valueFrom }, index) => valueFrom === undefined
      ? []
      : [
          ...unlike(['env', index, 'valueFrom', 'secretKeyRef', 'key'], valueFrom.secretKeyRef?.key, forms.configKey),
          ...unlike(['env', index, 'valueFrom', 'configMapKeyRef', 'key'], valueFrom.configMapKeyRef?.key, forms.configKey),
          ...unlike(['env', index, 'valueFrom', 'fieldRef', 'fieldPath'], valueFrom.fieldRef?.fieldPath, forms.podField),
          ...unlike(['env', index, 'valueFrom', 'resourceFieldRef', 'resource'], valueFrom.resourceFieldRef?.resource, forms.containerResource),
        ]),
    ...volumes.flatMap(({ subPath, configMap, secret }, index) => [
      ...unlike(['volumes', index, 'subPath'], subPath, forms.relativePath),
      ...Object.entries({ configMap, secret }).flatMap(([source, files]) =>
        (files?.items ?? []).flatMap(({ path }, item) => unlike(['volumes', index, source, 'items', item, 'path'], path, forms.relativePath))),
    ]),
    ...unlike(['serviceAccountName'], serviceAccountName, forms.objectName),
    ...unlike(['ingress', 'host'], ingress?.host, forms.hostName),
    ...unlike(['ingress', 'ingressClassName'], ingress?.ingressClassName, forms.objectName),
    ...unlike(['ingress', 'tlsSecretName'], ingress?.tlsSecretName, forms.objectName),
    ...(gateway?.hostnames ?? []).flatMap((host, index) => unlike(['gateway', 'hostnames', index], host, forms.hostName)),
    ...ingress?.pathType === 'ImplementationSpecific' ? [] : unlike(['ingress', 'path'], ingress?.path, forms.plainPath),
  ]
}

function contradictions (spec: MyAppSpec): Problem[] {
  const { podSecurity, securityContext, containerSecurityContext, expose, ingress, gateway, minReadySeconds = 0, progressDeadlineSeconds = 600, strategy } = spec
  return [
    ...(securityContext || containerSecurityContext) && podSecurity !== 'Custom' ? [problem(['podSecurity'], 'securityContext and containerSecurityContext go with podSecurity Custom only')] : [],
    ...expose === false && (ingress || gateway) ? [problem(['expose'], 'ingress and gateway need a Service, and expose is false')] : [],
    ...minReadySeconds >= progressDeadlineSeconds ? [problem(['minReadySeconds'], `${minReadySeconds} is not less than progressDeadlineSeconds, ${progressDeadlineSeconds}`)] : [],
    ...autoscalingProblems(spec.autoscaling),
    ...twice(['gateway', 'parentRefs'], names(gateway?.parentRefs)).map(({ path, message }) => ({ path, message: `${message}; without a sectionName it stands for all of its listeners` })),
    ...strategy?.rollingUpdate && strategy.type !== 'RollingUpdate' ? [problem(['strategy', 'rollingUpdate'], 'it goes with type RollingUpdate only')] : [],
    ...(['from', 'to'] as const).flatMap((side) => (spec.networkPolicy?.[side] ?? []).flatMap(({ app, namespace }, index) =>
      app === undefined && namespace === undefined ? [problem(['networkPolicy', side, index], 'app or namespace is to be given')] : [])),
  ]
}

function autoscalingProblems (autoscaling: MyAppSpec['autoscaling']): Problem[] {
  if (autoscaling === undefined) return []
  const { minReplicas = 1, maxReplicas, metrics = [] } = autoscaling
  return [
    ...minReplicas > maxReplicas ? [problem(['autoscaling', 'minReplicas'], `${minReplicas} is more than maxReplicas, ${maxReplicas}`)] : [],
    ...metrics.flatMap(({ type, ...sources }, index) => Object.keys(sources).join() === type.charAt(0).toLowerCase() + type.slice(1)
      ? []
      : [problem(['autoscaling', 'metrics', index], 'the field that type names is to be given, and no other')]),
  ]
}

const problem = (path: Problem['path'], message: string): Problem => ({ path: ['spec', ...path], message })
