import { isExposed } from './declared-ports.ts'
import { type Problem, problem } from './messages.ts'
import { classAnnotation } from './network.ts'
import { defaults, type MyAppSpec } from './myapp.ts'
import { type PlatformDefaults, withPlatformDefaults } from './platform-defaults.ts'
import { thousandthsOf } from './quantity.ts'
import { isForOnePod } from './volumes.ts'

/** The maximum length of a warning, including the field, that Kubernetes recommends. */
export const warningMaxLength = 120

/**
 * Finds the parts of a valid spec that will not work, will fail later, or expose Secrets. Expects a
 * spec that `validate` accepts. `validate --lint` prints the list, and the admission webhook
 * returns it. A warning quotes only numbers of the spec, so it is short and reveals no secret.
 */
export function warnings({ spec }: { spec: MyAppSpec }): Problem[] {
  return [
    ...imageWarnings(spec),
    ...memoryWarnings(spec),
    ...secretWarnings(spec),
    ...claimWarnings(spec),
    ...autoscalingWarnings(spec),
    ...disruptionWarnings(spec),
    ...routingWarnings(spec),
  ]
}

/**
 * The warnings about a spec with the platform's defaults filled in, and about defaults that the
 * spec contradicts.
 */
export const platformWarnings = (
  app: { name: string; namespace: string },
  spec: MyAppSpec,
  defaults: PlatformDefaults = {},
): Problem[] => [
  ...warnings(withPlatformDefaults(app, spec, defaults)),
  ...unfitDefaults(spec, defaults),
]

/**
 * Warnings about platform defaults that do not apply, or apply only in part, because the spec
 * contradicts them.
 */
function unfitDefaults(spec: MyAppSpec, defaults: PlatformDefaults): Problem[] {
  const { podSecurity, drainSeconds = 0 } = defaults
  const { terminationGracePeriodSeconds: gracePeriod = Infinity } = spec
  return [
    ...(podSecurity === 'Restricted' && spec.podSecurity === undefined && spec.runAsUser === 0
      ? [
          warning(
            ['runAsUser'],
            "the platform's podSecurity Restricted is not applied to root: " +
              'set another runAsUser, or set podSecurity',
          ),
        ]
      : []),
    ...(isExposed(spec) && spec.drainSeconds === undefined && gracePeriod < 2 * drainSeconds
      ? [
          warning(
            ['terminationGracePeriodSeconds'],
            `set ${2 * drainSeconds} or more for the platform's drainSeconds ${drainSeconds}`,
          ),
        ]
      : []),
  ]
}

/** Tags that a registry usually moves to every new build. */
const movingTag =
  /^(latest|main|master|trunk|head|dev|develop|devel|edge|nightly|canary|stable|snapshot|current)$/i

function imageWarnings({ image }: MyAppSpec): Problem[] {
  const [, name = '', tag, digest] = /^(.+?)(?::([^/:@]*))?(?:@(.*))?$/s.exec(image) ?? []
  const parts = name.split('/')
  // Only the registry, which ends at the first slash, may have upper-case letters.
  const path = parts.length > 1 && isRegistry(parts[0]) ? parts.slice(1) : parts
  if (/^\w+:\/\//.test(image)) {
    return [warning(['image'], 'an image has no URL scheme: remove everything up to "//"')]
  }
  if (path.some((part) => /[A-Z]/.test(part))) {
    return [
      warning(
        ['image'],
        'no container runtime pulls a name with upper-case letters: write it in lower case',
      ),
    ]
  }
  if (
    !path.every((part) => /^[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*$/.test(part)) ||
    !/^\w[\w.-]{0,127}$/.test(tag ?? 'none') ||
    !/^[a-z][a-z0-9]*([-_+.][a-z][a-z0-9]*)*:[0-9a-f]{32,}$/.test(digest ?? `a:${'0'.repeat(32)}`)
  ) {
    return [
      warning(
        ['image'],
        'no container runtime can pull this: write [REGISTRY/]NAME[:TAG][@DIGEST]',
      ),
    ]
  }
  if (digest !== undefined) return []
  if (tag === undefined) {
    return [
      warning(
        ['image'],
        'without a tag the image is latest, which changes: add a version or a digest',
      ),
    ]
  }
  return movingTag.test(tag)
    ? [warning(['image'], 'this tag moves, so pods may differ: use a version or a digest')]
    : []
}

const isRegistry = (part = '') => /[.:A-Z]/.test(part) || part === 'localhost'

/** Whether an amount is so small that its unit is probably missing. 0 means no limit. */
const isTiny = (memory: string | number) =>
  thousandthsOf(memory) > 0n && thousandthsOf(memory) < thousandthsOf('1Mi')

function memoryWarnings({ resources: { requests, limits } = {} }: MyAppSpec): Problem[] {
  const missingUnits = Object.entries({ requests, limits }).flatMap(([list, { memory } = {}]) =>
    memory !== undefined && isTiny(memory)
      ? [warning(['resources', list, 'memory'], 'this is less than 1Mi: add a unit, such as Mi')]
      : [],
  )
  if (missingUnits.length > 0) return missingUnits
  return limits?.memory === undefined
    ? [
        warning(
          ['resources', 'limits', 'memory'],
          'without a limit one pod can use up the memory of its node: set a limit',
        ),
      ]
    : []
}

/**
 * Warns about each init container or sidecar that has another image than the app, and inherits the
 * app's variables from Secrets.
 */
function secretWarnings({ image, env = [], envFrom = [], init, sidecars }: MyAppSpec): Problem[] {
  const inherited = [
    ...(env.some(({ valueFrom }) => valueFrom?.secretKeyRef) ? (['env'] as const) : []),
    ...(envFrom.some(({ secretRef }) => secretRef) ? (['envFrom'] as const) : []),
  ]
  return Object.entries({ init, sidecars }).flatMap(([list, containers = []]) =>
    containers.flatMap((container, index) =>
      (container.image ?? image) === image
        ? []
        : inherited
            .filter((field) => container[field] === undefined)
            .map((field) =>
              warning(
                [list, index, field],
                `another image gets the Secrets of the app: set ${field}, or [] for none`,
              ),
            ),
    ),
  )
}

/**
 * With RollingUpdate, a new pod can wait for a claim that the old pod uses. Recreate, the default
 * for a claim that only one pod can use, stops the old pod first.
 */
function claimWarnings({ volumes = [], strategy }: MyAppSpec): Problem[] {
  if (strategy?.type !== 'RollingUpdate') return []
  if (parseInt(String(strategy.rollingUpdate?.maxSurge ?? '25%')) === 0) return []
  const claim = volumes.findIndex(isForOnePod)
  return claim === -1
    ? []
    : [
        warning(
          ['strategy', 'type'],
          `a new pod may be unable to mount volumes[${claim}] beside the old one: set Recreate`,
        ),
      ]
}

function autoscalingWarnings({ autoscaling, replicas, resources = {} }: MyAppSpec): Problem[] {
  if (autoscaling === undefined) return []
  const {
    minReplicas = 1,
    maxReplicas,
    targetCPUUtilizationPercentage: cpu,
    targetMemoryUtilizationPercentage: memory,
    metrics = [],
  } = autoscaling
  const shares = new Set([
    ...(cpu !== undefined || (memory === undefined && metrics.length === 0) ? ['cpu'] : []),
    ...(memory !== undefined ? ['memory'] : []),
    ...metrics.flatMap(({ resource, containerResource }) => {
      const { name, target } = resource ?? containerResource ?? {}
      return name !== undefined && target?.averageUtilization !== undefined ? [name] : []
    }),
  ])
  const { requests = {}, limits = {} } = resources
  return [
    ...(['cpu', 'memory'] as const).flatMap((resource) =>
      // Kubernetes uses a limit for an unset request.
      shares.has(resource) && (requests[resource] ?? limits[resource]) === undefined
        ? [
            warning(
              ['autoscaling'],
              `percent of ${resource === 'cpu' ? 'CPU' : resource} needs ` +
                `resources.requests.${resource}, or pods are never added`,
            ),
          ]
        : [],
    ),
    ...(minReplicas === maxReplicas
      ? [
          warning(
            ['autoscaling', 'maxReplicas'],
            'maxReplicas equals minReplicas, so nothing scales: raise maxReplicas, or use replicas',
          ),
        ]
      : []),
    ...((replicas ?? 0) > maxReplicas
      ? [
          warning(
            ['replicas'],
            `${replicas} is more than maxReplicas ${maxReplicas}, which wins: ` +
              'remove replicas, or raise maxReplicas',
          ),
        ]
      : []),
  ]
}

function disruptionWarnings(spec: MyAppSpec): Problem[] {
  const { disruption: { maxUnavailable, minAvailable } = {} } = spec
  const pods = fewestReplicas(spec)
  if ((maxUnavailable ?? minAvailable) === undefined || pods === 0) return []
  const blocks =
    minAvailable === undefined
      ? parseInt(String(maxUnavailable)) === 0
      : atLeast(minAvailable, pods) >= pods
  if (pods === 1) {
    return [
      warning(
        ['disruption'],
        blocks
          ? 'with one replica disruption blocks every node drain: set replicas to 2 or more, or ' +
              'remove disruption'
          : 'with one replica disruption protects nothing: set replicas to 2 or more, or remove ' +
              'disruption',
      ),
    ]
  }
  return blocks
    ? [
        warning(
          ['disruption'],
          `with ${pods} replicas no pod may be evicted, so drains hang: set maxUnavailable to 1`,
        ),
      ]
    : []
}

/** Rounds a share of pods up, as Kubernetes does. */
const atLeast = (bound: number | string, pods: number) =>
  typeof bound === 'number' ? bound : Math.ceil((parseInt(bound) * pods) / 100)

const fewestReplicas = ({ autoscaling, replicas = defaults.replicas }: MyAppSpec) =>
  autoscaling ? (autoscaling.minReplicas ?? 1) : replicas

function routingWarnings({ ingress, gateway, networkPolicy }: MyAppSpec): Problem[] {
  const from = networkPolicy?.from
  // An Ingress controller is not a MyApp, so a peer with `app` cannot select it.
  const isClosed = from?.every(({ app }) => app !== undefined) ?? false
  return [
    ...(ingress !== undefined &&
    ingress.ingressClassName === undefined &&
    ingress.annotations?.[classAnnotation] === undefined
      ? [
          warning(
            ['ingress', 'ingressClassName'],
            'only a default class serves an Ingress without ingressClassName: set a class',
          ),
        ]
      : []),
    ...(isClosed && (ingress !== undefined || gateway !== undefined)
      ? [
          warning(
            ['networkPolicy', 'from'],
            `the ${ingress ? 'Ingress controller' : 'Gateway'} may not connect: ` +
              'add the namespace of its pods',
          ),
        ]
      : []),
  ]
}

const warning = (path: Array<string | number>, message: string): Problem =>
  problem(['spec', ...path], message)
