/** Real workloads, rendered and checked against the checklist of an expert. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { V1Container, V1PodSpec, V1Service } from '@kubernetes/client-node'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { sync } from '../../src/myapp/sync.ts'
import {
  appContainerOf,
  type Facts,
  podSpecOf,
  renderAll,
  type Workload,
} from '../support/checklist/rendered.ts'
import { checklist, type RuleName } from '../support/checklist/rules.ts'
import { renderFile } from '../support/compatibility/golden.ts'
import { settledRequests, upgrade } from '../support/compatibility/stored-child.ts'
import { context } from '../support/fixtures/context.ts'
import { exampleApps, workloads } from '../support/workloads/facts.ts'
import { yamlFiles } from '../support/yaml-files.ts'

const folder = new URL('../support/workloads/', import.meta.url)
const read = (folder: URL, name: string) => readFileSync(new URL(`${name}.yaml`, folder), 'utf8')

/** Checks every MyApp of a folder of YAML files. `known` has the facts of each file by its name. */
function review(t: Test, folder: URL, known: Record<string, Facts>): void {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  t.strictSame(files.map((name) => name.replace('.yaml', '')).sort(), Object.keys(known).sort())
  for (const [name, facts] of Object.entries(known)) {
    const { rendered, problems } = renderAll(name, read(folder, name), facts)
    t.strictSame(problems, [], `${name}: validate --lint`)
    t.ok(rendered.length > 0, name)
    const broken = new Set<string>()
    for (const one of rendered) {
      for (const [rule, review] of Object.entries(checklist)) {
        const complaints = review(one)
        if (complaints.length > 0) broken.add(rule)
        if (facts.exceptions?.[rule] === undefined) {
          t.strictSame(complaints, [], `${name}, ${one.name}: ${rule}`)
        }
      }
    }
    t.strictSame(
      Object.keys(facts.exceptions ?? {}).filter((rule) => !broken.has(rule)),
      [],
      `${name} needs each of its exceptions`,
    )
  }
}

t.test('24 real workloads pass the checklist of an expert, with stated exceptions', async (t) => {
  review(t, folder, workloads)
  t.equal(Object.keys(workloads).length, 24)
})

t.test('the example apps pass the checklist without exceptions', async (t) => {
  review(t, new URL('../../manifests/examples/apps/', import.meta.url), exampleApps)
  for (const facts of Object.values(exampleApps)) t.notOk(facts.exceptions)
})

const files = [folder, new URL('../../manifests/examples/', import.meta.url)].flatMap((folder) =>
  yamlFiles(folder).map((name) => fileURLToPath(new URL(name, folder))),
)

t.test('a MyApp whose children are as desired requests no early sync', async (t) => {
  const requests = files.flatMap(settledRequests)
  t.ok(requests.length > 70)
  for (const request of requests) {
    const { status, resyncAfterSeconds } = sync(request, context)
    t.not(status.conditions?.[0]?.reason, 'ConfigMissing')
    t.equal(resyncAfterSeconds, undefined, request.parent.metadata.name)
  }
})

t.test('a sync does not write stored children of an unchanged MyApp', async (t) => {
  t.ok(files.length > 70)
  for (const file of files) {
    t.strictSame(
      upgrade(file, renderFile(file)),
      { differences: [], pausedOnTheWay: [] },
      basename(file),
    )
  }
})

t.test('a Service in a workload file selects the pods of its MyApps and their ports', async (t) => {
  const own = Object.keys(workloads).flatMap((name) => {
    const text = read(folder, name)
    const { rendered } = renderAll(name, text, {})
    return parseAllDocuments(text)
      .map((document) => document.toJS() as V1Service)
      .filter(({ kind }) => kind === 'Service')
      .map(({ metadata, spec }) => ({ name: metadata?.name ?? '', spec, rendered }))
  })
  t.strictSame(own.map(({ name }) => name).sort(), [
    'broker-public',
    'gitea-ssh',
    'keycloak-peers',
    'pricing-pods',
    'storefront-all',
  ])
  for (const { name, spec, rendered } of own) {
    const selected = rendered.filter(({ children }) => {
      const labels = children.Deployment.spec?.template.metadata?.labels ?? {}
      return Object.entries(spec?.selector ?? {}).every(([key, value]) => labels[key] === value)
    })
    t.equal(selected.length, rendered.length, `${name} selects every MyApp of its file`)
    for (const one of selected) {
      const ports = (appContainerOf(one).ports ?? []).map(
        ({ name, protocol }) => `${name}/${protocol}`,
      )
      for (const { targetPort, protocol = 'TCP' } of spec?.ports ?? []) {
        t.ok(ports.includes(`${targetPort}/${protocol}`), `${name} leads to ${targetPort}`)
      }
    }
  }
})

/** For each rule: a workload, and a change of its children or facts that the rule must find. */
const faults: Record<RuleName, [workload: string, spoil: (rendered: Workload) => void]> = {
  probesCheckDeclaredPorts: [
    '13-spring-boot',
    (it) => ((appContainerOf(it).readinessProbe ??= {}).httpGet = { port: 8088 }),
  ],
  readinessGatesTraffic: ['12-django', (it) => delete appContainerOf(it).readinessProbe],
  readinessAsksTheApp: [
    '12-django',
    (it) => (appContainerOf(it).readinessProbe = { tcpSocket: { port: 8000 } }),
  ],
  livenessIsPatient: ['13-spring-boot', (it) => (livenessOf(it).periodSeconds = 1)],
  memoryIsLimited: ['16-oauth2-proxy', (it) => delete firstOf(it).resources?.limits?.['memory']],
  cpuIsRequestedNotLimited: ['09-metrics', (it) => (limitsOf(it)['cpu'] = '1')],
  runsAsNonRoot: ['12-django', (it) => (podSpecOf(it).securityContext = {})],
  userIsANumber: ['12-django', (it) => delete securityOf(it).runAsUser],
  keepsRestrictedProfile: [
    '12-django',
    (it) => delete appContainerOf(it).securityContext?.capabilities,
  ],
  keepsHardenedBaseline: ['04-keycloak', (it) => delete securityOf(it).seccompProfile],
  rootIsReadOnly: [
    '14-read-only-root',
    (it) => ((appContainerOf(it).securityContext ??= {}).readOnlyRootFilesystem = false),
  ],
  claimsHaveAGroup: ['19-vaultwarden', (it) => delete securityOf(it).fsGroup],
  claimsAreWritable: [
    '19-vaultwarden',
    (it) => (appContainerOf(it).volumeMounts ?? []).forEach((mount) => (mount.readOnly = true)),
  ],
  aClaimIsOneVolume: [
    '19-vaultwarden',
    (it) =>
      podSpecOf(it).volumes?.push({
        name: 'b',
        persistentVolumeClaim: { claimName: 'vaultwarden' },
      }),
  ],
  onePodForAClaim: ['19-vaultwarden', (it) => (deploymentOf(it).strategy = {})],
  rollsWithoutGap: [
    '12-django',
    (it) => (deploymentOf(it).strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } }),
  ],
  serviceServesItsCallers: ['01-web-api', (it) => (it.facts.servicePorts = [8080])],
  serviceLeadsToPods: ['01-web-api', (it) => ((appContainerOf(it).ports ?? []).length = 0)],
  portsSayTheirProtocol: [
    '10-grpc-gateway',
    (it) => it.children.Service?.spec?.ports?.forEach((port) => delete port.appProtocol),
  ],
  drainsBeforeItStops: [
    '07-gitea',
    (it) => (appContainerOf(it).lifecycle = { preStop: { sleep: { seconds: 5 } } }),
  ],
  budgetProtectsAndBlocksNothing: ['11-celery', (it) => delete it.children.PodDisruptionBudget],
  spreadsOverZonesAndNodes: ['12-django', (it) => delete podSpecOf(it).topologySpreadConstraints],
  autoscalerCanCompute: ['01-web-api', (it) => delete appContainerOf(it).resources],
  policyAllowsDns: ['01-web-api', (it) => it.children.NetworkPolicy?.spec.egress?.pop()],
  policyAllowsCalls: [
    '01-web-api',
    (it) => it.facts.calls?.push({ address: '10.20.7.9', port: 6432 }),
  ],
  policyAllowsCallers: ['01-web-api', (it) => it.facts.callers?.push({ ...stranger, port: 8080 })],
  policyKeepsStrangersOut: [
    '01-web-api',
    (it) => it.children.NetworkPolicy?.spec.ingress?.push({}),
  ],
  policyOpensNoHiddenPort: [
    '09-metrics',
    (it) => it.children.NetworkPolicy?.spec.ingress?.push({ ports: [{ port: 9090 }] }),
  ],
  metricsCanBeScraped: ['09-metrics', (it) => it.children.NetworkPolicy?.spec.ingress?.pop()],
  ingressIsSound: ['01-web-api', (it) => delete it.children.Ingress?.spec?.tls],
  hasNoServiceLinks: ['12-django', (it) => delete podSpecOf(it).enableServiceLinks],
  hasATokenOnlyIfNeeded: ['12-django', (it) => (podSpecOf(it).automountServiceAccountToken = true)],
  terminationMessagesShowLogs: ['12-django', (it) => delete firstOf(it).terminationMessagePolicy],
  imagesArePinned: [
    '12-django',
    (it) => (appContainerOf(it).image = 'registry.example.com:5000/a'),
  ],
  secretsAreReferences: [
    '12-django',
    (it) => appContainerOf(it).env?.push({ name: 'A_TOKEN', value: 'a' }),
  ],
  othersGetNoSecretsOfTheApp: [
    '16-oauth2-proxy',
    (it) => (firstOf(it).env = appContainerOf(it).env ?? []),
  ],
  everyVolumeIsMounted: ['14-read-only-root', (it) => appContainerOf(it).volumeMounts?.pop()],
  labelsReachEveryChild: [
    '01-web-api',
    (it) => delete it.children.Ingress?.metadata?.labels?.['team'],
  ],
  selectorIsStable: ['01-web-api', (it) => (deploymentOf(it).selector = {})],
}

const stranger = { namespace: 'stranger' }
const deploymentOf = ({ children: { Deployment } }: Workload) => Deployment.spec ?? fail()
const securityOf = (it: Workload): NonNullable<V1PodSpec['securityContext']> =>
  podSpecOf(it).securityContext ?? fail()
const firstOf = (it: Workload): V1Container => podSpecOf(it).initContainers?.[0] ?? fail()
const livenessOf = (it: Workload) => appContainerOf(it).livenessProbe ?? fail()
const limitsOf = (it: Workload) => appContainerOf(it).resources?.limits ?? fail()
function fail(): never {
  throw new Error('the workload lacks a part that this fault changes')
}

t.test('each rule of the checklist finds its fault', async (t) => {
  for (const [rule, [workload, spoil]] of Object.entries(faults)) {
    const facts = structuredClone(workloads[workload] ?? {})
    const [rendered] = renderAll(workload, read(folder, workload), facts).rendered
    if (rendered === undefined) throw new Error(workload)
    const review = checklist[rule as RuleName]
    t.strictSame(review(rendered), [], `${rule}: before`)
    spoil(rendered)
    t.ok(review(rendered).length > 0, rule)
  }
})
