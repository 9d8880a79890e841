/**
 * The rules of an expert review of rendered objects. Each rule returns its complaints, and nothing
 * about a workload to which it does not apply.
 */
import type { V1Container } from '@kubernetes/client-node'
import { allowsFrom, allowsTo, type Peer } from './connections.ts'
import {
  appContainerOf,
  containersOf,
  podSpecOf,
  replicaBounds,
  probesOf,
  type Workload,
  sidecarsOf,
} from './rendered.ts'

type Rule = (rendered: Workload) => string[]

/** The complaint if a condition does not hold. */
const check = (holds: boolean, complaint: string): string[] => (holds ? [] : [complaint])

/** A complaint about each container that fails a condition. */
const eachContainer = (
  rendered: Workload,
  holds: (container: V1Container) => boolean,
  complaint: string,
) =>
  containersOf(rendered).flatMap((container) =>
    check(holds(container), `${container.name}: ${complaint}`),
  )

const peerText = ({ namespace, podLabels, address, port }: Peer) =>
  [namespace, podLabels && Object.values(podLabels).join(), address, port].filter(Boolean).join(' ')

/**
 * Whether the pods use a claim that only one pod can use. Several pods can share a ReadWriteMany
 * claim, or read a ReadWriteOnce claim. A ReadWriteOncePod claim is for one pod, even read-only.
 */
const isSingleton = ({ spec }: Workload) =>
  (spec.volumes ?? []).some(({ persistentVolumeClaim: claim, readOnly = false }) => {
    if (claim === undefined || claim.accessMode === 'ReadWriteMany') return false
    return claim.accessMode === 'ReadWriteOncePod' || !readOnly
  })

const dnsPeers: Peer[] = [53, 5353].flatMap((port) =>
  (['UDP', 'TCP'] as const).map((protocol) => ({ namespace: 'kube-system', port, protocol })),
)

const secretName = /(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY|API_KEY)$/i

const named = {
  /** A probe of an undeclared port is usually mistyped. */
  probesCheckDeclaredPorts: (rendered) => {
    const declared = (appContainerOf(rendered).ports ?? []).map(
      ({ containerPort }) => containerPort,
    )
    return containersOf(rendered).flatMap((container) =>
      probesOf(container).flatMap(([name, { httpGet, tcpSocket, grpc }]) => {
        const port = (httpGet ?? tcpSocket ?? grpc)?.port
        return check(
          port === undefined || declared.includes(Number(port)),
          `${container.name}: ${name} checks ${port}, which is not declared`,
        )
      }),
    )
  },

  /** A Service sends only to ready pods. */
  readinessGatesTraffic: (rendered) =>
    check(
      rendered.children.Service === undefined ||
        appContainerOf(rendered).readinessProbe !== undefined,
      'no readiness probe',
    ),

  /** A probe over HTTP or gRPC proves more than an open port. */
  readinessAsksTheApp: (rendered) =>
    check(
      appContainerOf(rendered).readinessProbe?.tcpSocket === undefined,
      'readiness is a TCP check',
    ),

  /** An eager liveness probe restarts busy pods, which makes an overload worse. */
  livenessIsPatient: (rendered) =>
    [appContainerOf(rendered), ...sidecarsOf(rendered)].flatMap(({ name, livenessProbe }) => {
      if (livenessProbe === undefined) return []
      const { periodSeconds = 10, failureThreshold = 3 } = livenessProbe
      return check(periodSeconds * failureThreshold >= 30, `${name}: restarts in under 30 s`)
    }),

  memoryIsLimited: (rendered) =>
    eachContainer(
      rendered,
      ({ resources }) =>
        resources?.limits?.['memory'] !== undefined && resources.requests?.['memory'] !== undefined,
      'needs a request and a limit of memory',
    ),

  cpuIsRequestedNotLimited: (rendered) =>
    eachContainer(
      rendered,
      ({ resources }) =>
        resources?.requests?.['cpu'] !== undefined && resources.limits?.['cpu'] === undefined,
      'needs a CPU request, and no CPU limit',
    ),

  runsAsNonRoot: (rendered) => {
    const pod = podSpecOf(rendered).securityContext
    return eachContainer(
      rendered,
      ({ securityContext }) =>
        (securityContext?.runAsNonRoot ?? pod?.runAsNonRoot) === true ||
        ((securityContext?.runAsUser ?? pod?.runAsUser) || 0) > 0,
      'may run as root',
    )
  },

  /** With `runAsNonRoot` the kubelet refuses an image whose user is a name and not a number. */
  userIsANumber: (rendered) => {
    const pod = podSpecOf(rendered).securityContext
    return check(
      pod?.runAsNonRoot !== true || pod.runAsUser !== undefined,
      'runAsNonRoot without runAsUser: an image that names its user does not start',
    )
  },

  keepsRestrictedProfile: (rendered) => {
    const pod = podSpecOf(rendered).securityContext
    return eachContainer(
      rendered,
      ({ securityContext: own }) =>
        own?.allowPrivilegeEscalation === false &&
        (own.seccompProfile ?? pod?.seccompProfile)?.type === 'RuntimeDefault' &&
        own.capabilities?.drop?.includes('ALL') === true &&
        own.privileged !== true,
      'is not within the restricted Pod Security Standard',
    )
  },

  /** The minimum that the Baseline profile of the operator must guarantee. */
  keepsHardenedBaseline: (rendered) => {
    const pod = podSpecOf(rendered).securityContext
    return eachContainer(
      rendered,
      ({ securityContext: own }) =>
        own?.allowPrivilegeEscalation === false &&
        (own.seccompProfile ?? pod?.seccompProfile)?.type === 'RuntimeDefault',
      'lacks seccomp, or may escalate privileges',
    )
  },

  rootIsReadOnly: (rendered) =>
    eachContainer(
      rendered,
      ({ securityContext }) => securityContext?.readOnlyRootFilesystem === true,
      'has a writable root file system',
    ),

  /** A pod with a claim sets `fsGroup`. Otherwise the app may not be able to write its data. */
  claimsHaveAGroup: (rendered) =>
    check(
      !(podSpecOf(rendered).volumes ?? []).some((volume) => volume.persistentVolumeClaim) ||
        podSpecOf(rendered).securityContext?.fsGroup !== undefined,
      'a claim without fsGroup',
    ),

  claimsAreWritable: (rendered) =>
    (podSpecOf(rendered).volumes ?? [])
      .filter((volume) => volume.persistentVolumeClaim)
      .flatMap(({ name }) =>
        check(
          (appContainerOf(rendered).volumeMounts ?? []).some(
            (mount) => mount.name === name && !mount.readOnly,
          ),
          `${name} is not writable`,
        ),
      ),

  /** A kubelet mounts a claim only once for a pod, so all mounts of a claim share a volume. */
  aClaimIsOneVolume: (rendered) => {
    const claims = (podSpecOf(rendered).volumes ?? []).flatMap(
      ({ persistentVolumeClaim: claim }) => claim?.claimName ?? [],
    )
    return check(new Set(claims).size === claims.length, 'two volumes use one claim')
  },

  /** In a rolling update, the new pod would wait for the claim that the old pod holds. */
  onePodForAClaim: (rendered) =>
    isSingleton(rendered)
      ? [
          ...check(
            rendered.children.Deployment.spec?.strategy?.type === 'Recreate',
            'has a claim for one pod, and the strategy is not Recreate',
          ),
          ...check(
            replicaBounds(rendered).most <= 1,
            'has a claim for one pod, and may run several',
          ),
        ]
      : [],

  rollsWithoutGap: (rendered) => {
    const { type, rollingUpdate } = rendered.children.Deployment.spec?.strategy ?? {}
    return isSingleton(rendered)
      ? []
      : check(
          type === 'RollingUpdate' &&
            rollingUpdate?.maxUnavailable === 0 &&
            parseInt(String(rollingUpdate.maxSurge)) > 0,
          'a rollout takes pods away before new ones are ready',
        )
  },

  serviceServesItsCallers: (rendered) => {
    const ports = (rendered.children.Service?.spec?.ports ?? []).map(({ port }) => port)
    return (rendered.facts.servicePorts ?? []).flatMap((port) =>
      check(ports.includes(port), `callers use port ${port}, and the Service has ${ports.join()}`),
    )
  },

  serviceLeadsToPods: (rendered) => {
    const { Service, Deployment } = rendered.children
    const labels = Deployment.spec?.template.metadata?.labels ?? {}
    const declared = (appContainerOf(rendered).ports ?? []).map(
      ({ containerPort, protocol }) => `${containerPort}/${protocol}`,
    )
    return [
      ...check(
        Object.entries(Service?.spec?.selector ?? {}).every(
          ([key, value]) => labels[key] === value,
        ),
        'the Service does not select the pods',
      ),
      ...(Service?.spec?.ports ?? []).flatMap(({ targetPort, protocol }) =>
        check(declared.includes(`${targetPort}/${protocol}`), `${targetPort} is not declared`),
      ),
    ]
  },

  /** Meshes and Gateways read the protocol from appProtocol or from the name of the port. */
  portsSayTheirProtocol: (rendered) => {
    const { spec } = rendered
    const main = { name: 'main', port: spec.port ?? 8080, protocol: spec.protocol }
    return [main, ...(spec.ports ?? [])].flatMap(({ port, protocol = 'HTTP' }) => {
      const found = rendered.children.Service?.spec?.ports?.find((one) => one.targetPort === port)
      if (found === undefined) return []
      const { name = '', appProtocol } = found
      const expected = { HTTP2: 'kubernetes.io/h2c', GRPC: 'kubernetes.io/h2c' }[String(protocol)]
      const word = protocol.toLowerCase()
      return check(
        expected === undefined
          ? protocol === 'HTTP' ||
              protocol === 'UDP' ||
              name.startsWith(word) ||
              appProtocol === word
          : appProtocol === expected,
        `${name} does not say that it is ${protocol}`,
      )
    })
  },

  /** A pod keeps serving until load balancers have stopped sending to it. */
  drainsBeforeItStops: (rendered) => {
    const pod = podSpecOf(rendered)
    const seconds = appContainerOf(rendered).lifecycle?.preStop?.sleep?.seconds ?? 0
    const grace = pod.terminationGracePeriodSeconds ?? 30
    if (rendered.children.Service === undefined) {
      return check(seconds === 0, 'waits for callers that it does not have')
    }
    const least = rendered.facts.isBehindLoadBalancer ? 15 : 5
    return [
      ...check(seconds >= least, `drains for ${seconds} s, needs ${least} s`),
      ...check(grace - seconds >= 10, `leaves ${grace - seconds} s to shut down`),
    ]
  },

  budgetProtectsAndBlocksNothing: (rendered) => {
    const { fewest, most } = replicaBounds(rendered)
    const budget = rendered.children.PodDisruptionBudget?.spec
    if (most < 2) return check(budget === undefined, 'a budget for one pod')
    return [
      ...check(budget !== undefined, 'no budget for several pods'),
      ...check(budget?.unhealthyPodEvictionPolicy === 'AlwaysAllow', 'sick pods block a drain'),
      ...check(
        budget?.maxUnavailable !== 0 && !(Number(budget?.minAvailable ?? 0) >= fewest),
        'blocks every drain',
      ),
    ]
  },

  spreadsOverZonesAndNodes: (rendered) => {
    const spread = podSpecOf(rendered).topologySpreadConstraints ?? []
    return replicaBounds(rendered).most < 2
      ? []
      : ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].flatMap((key) =>
          check(
            spread.some(
              ({ topologyKey, matchLabelKeys }) =>
                topologyKey === key && matchLabelKeys?.includes('pod-template-hash'),
            ),
            `does not spread by ${key} within a revision`,
          ),
        )
  },

  autoscalerCanCompute: (rendered) =>
    (rendered.children.HorizontalPodAutoscaler?.spec?.metrics ?? []).flatMap(({ resource }) =>
      check(
        resource?.target.averageUtilization === undefined ||
          containersOf(rendered).every(
            (container) =>
              (container.restartPolicy !== 'Always' && container.name !== 'app') ||
              container.resources?.requests?.[resource.name] !== undefined,
          ),
        `scales by a share of ${resource?.name}, which a container does not request`,
      ),
    ),

  policyAllowsDns: (rendered) => {
    const { NetworkPolicy } = rendered.children
    return NetworkPolicy === undefined
      ? []
      : dnsPeers.flatMap((peer) =>
          check(allowsTo(NetworkPolicy, peer), `no DNS: ${peerText(peer)}`),
        )
  },

  policyAllowsCalls: (rendered) => {
    const { NetworkPolicy } = rendered.children
    return NetworkPolicy === undefined
      ? []
      : (rendered.facts.calls ?? []).flatMap((peer) =>
          check(allowsTo(NetworkPolicy, peer), `cannot call ${peerText(peer)}`),
        )
  },

  policyAllowsCallers: (rendered) => {
    const { NetworkPolicy } = rendered.children
    return NetworkPolicy === undefined
      ? []
      : (rendered.facts.callers ?? []).flatMap((peer) =>
          check(allowsFrom(NetworkPolicy, peer), `shuts out ${peerText(peer)}`),
        )
  },

  /** A policy that allows every peer protects nothing. */
  policyKeepsStrangersOut: (rendered) => {
    const { NetworkPolicy } = rendered.children
    if (NetworkPolicy === undefined || rendered.spec.networkPolicy?.from === undefined) return []
    return (appContainerOf(rendered).ports ?? []).flatMap(({ containerPort: port }) =>
      check(
        !allowsFrom(NetworkPolicy, { namespace: 'stranger', port }),
        `lets every namespace in on ${port}`,
      ),
    )
  },

  /** A port that is not in the Service is open only to peers whose `ports` name it. */
  policyOpensNoHiddenPort: (rendered) => {
    const { NetworkPolicy, Service } = rendered.children
    if (NetworkPolicy === undefined || Service === undefined) return []
    const exposed = (Service.spec?.ports ?? []).map(({ targetPort }) => targetPort)
    const hidden = (appContainerOf(rendered).ports ?? [])
      .map(({ containerPort }) => containerPort)
      .filter((port) => !exposed.includes(port))
    return (rendered.spec.networkPolicy?.from ?? [])
      .filter(({ ports, cidr }) => ports === undefined && cidr === undefined)
      .flatMap(({ app, podLabels = app && { app, 'managed-by': 'myapp-operator' }, namespace }) =>
        hidden.map((port): Peer => ({
          ...(podLabels && { podLabels }),
          ...(namespace !== undefined && { namespace }),
          port,
        })),
      )
      .flatMap((peer) => check(!allowsFrom(NetworkPolicy, peer), `opens ${peerText(peer)}`))
  },

  metricsCanBeScraped: (rendered) => {
    const { PodMonitor, NetworkPolicy } = rendered.children
    if (rendered.spec.metrics === undefined) return []
    const [endpoint] = PodMonitor?.spec.podMetricsEndpoints ?? []
    const port = appContainerOf(rendered).ports?.find(({ name }) => name === endpoint?.port)
    if (port === undefined) return ['no PodMonitor of a declared port']
    return check(
      NetworkPolicy === undefined ||
        allowsFrom(NetworkPolicy, { namespace: 'monitoring', port: port.containerPort }),
      'the policy shuts Prometheus out',
    )
  },

  /** The Ingress has a class, and TLS for each host. It routes to the Service, never to metrics. */
  ingressIsSound: (rendered) => {
    const { Ingress, Service } = rendered.children
    if (Ingress === undefined) return []
    const ports = (Service?.spec?.ports ?? []).map(({ name }) => name)
    const backends = (Ingress.spec?.rules ?? []).flatMap(({ http }) =>
      (http?.paths ?? []).map(({ backend }) => backend.service?.port?.name),
    )
    const hosts = (Ingress.spec?.rules ?? []).map(({ host }) => host)
    const secured = (Ingress.spec?.tls ?? []).flatMap(({ hosts = [] }) => hosts)
    return [
      ...check(
        backends.every((name) => ports.includes(name)),
        'leads to a port that the Service lacks',
      ),
      ...check(!backends.includes('metrics'), 'publishes the metrics'),
      ...check(
        hosts.every((host) => host !== undefined && secured.includes(host)),
        'serves a host without TLS',
      ),
      ...check(Ingress.spec?.ingressClassName !== undefined, 'has no class'),
    ]
  },

  /** Service links are variables for each Service. An app could take them for its settings. */
  hasNoServiceLinks: (rendered) =>
    check(podSpecOf(rendered).enableServiceLinks === false, 'gets variables of every Service'),

  hasATokenOnlyIfNeeded: (rendered) =>
    check(
      podSpecOf(rendered).automountServiceAccountToken === (rendered.facts.usesToken ?? false),
      'the token is mounted and not needed, or needed and not mounted',
    ),

  terminationMessagesShowLogs: (rendered) =>
    eachContainer(
      rendered,
      ({ terminationMessagePolicy }) => terminationMessagePolicy === 'FallbackToLogsOnError',
      'shows no logs when it fails',
    ),

  imagesArePinned: (rendered) =>
    eachContainer(
      rendered,
      ({ image = '' }) => /(:(?!latest$)[^:/]+|@sha256:[0-9a-f]{64})$/.test(image),
      'has an image without a version',
    ),

  secretsAreReferences: (rendered) =>
    containersOf(rendered).flatMap(({ name: container, env = [] }) =>
      env.flatMap(({ name, value }) =>
        check(
          !secretName.test(name) || value === undefined,
          `${container}: ${name} is in clear text`,
        ),
      ),
    ),

  /** Containers of other images must not get the secrets of the app. */
  othersGetNoSecretsOfTheApp: (rendered) => {
    const app = appContainerOf(rendered)
    const secrets = (container: V1Container) => [
      ...(container.env ?? []).flatMap(({ valueFrom }) =>
        valueFrom?.secretKeyRef
          ? [`${valueFrom.secretKeyRef.name}/${valueFrom.secretKeyRef.key}`]
          : [],
      ),
      ...(container.envFrom ?? []).flatMap(({ secretRef }) => secretRef?.name ?? []),
    ]
    const own = secrets(app)
    return containersOf(rendered)
      .filter(({ image }) => image !== app.image)
      .flatMap((container) =>
        secrets(container)
          .filter((secret) => own.includes(secret))
          .map((secret) => `${container.name} gets ${secret}`),
      )
  },

  everyVolumeIsMounted: (rendered) => {
    const volumes = (podSpecOf(rendered).volumes ?? []).map(({ name }) => name)
    const mounted = containersOf(rendered).flatMap(({ volumeMounts = [] }) =>
      volumeMounts.map(({ name }) => name),
    )
    return [
      ...mounted.flatMap((name) => check(volumes.includes(name), `${name} is not a volume`)),
      ...volumes.flatMap((name) => check(mounted.includes(name), `${name} is not mounted`)),
    ]
  },

  /** Cost reports and admission policies find the owner of an object by its labels. */
  labelsReachEveryChild: (rendered) => {
    const { children, labels } = rendered
    const expected = { ...labels, 'app.kubernetes.io/name': rendered.name }
    const parts = [
      ...Object.entries(children).map(([kind, { metadata }]) => [kind, metadata?.labels] as const),
      ['the pods', children.Deployment.spec?.template.metadata?.labels] as const,
    ]
    return parts.flatMap(([part, found = {}]) =>
      Object.entries(expected).flatMap(([key, value]) =>
        check(found[key] === value, `${part}: no label ${key}`),
      ),
    )
  },

  /** The selector of a Deployment can never change, so it has only these two labels. */
  selectorIsStable: (rendered) =>
    check(
      Object.keys(rendered.children.Deployment.spec?.selector.matchLabels ?? {})
        .sort()
        .join() === 'app,managed-by',
      'the selector has other labels than app and managed-by',
    ),
} satisfies Record<string, Rule>

export type RuleName = keyof typeof named

/** Every rule by its name. */
export const checklist: Record<RuleName, Rule> = named
