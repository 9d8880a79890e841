/**
 * Realistic workloads. A key is the name of a YAML file in this folder, which contains a MyApp. The
 * value has the facts that only the team of the app knows. A workload that breaks a rule of the
 * checklist gives the reason.
 */
import type { Facts } from '../checklist/rendered.ts'

const ingressNginx = { namespace: 'ingress-nginx' }
const monitoring = { namespace: 'monitoring' }
const pods = (app: string) => ({ podLabels: { app, 'managed-by': 'myapp-operator' } })
const database = { namespace: 'data', podLabels: { 'app.kubernetes.io/name': 'postgresql' } }

const rootImage = 'the image starts as root and changes its user itself'
const writesRoot = 'the image writes to its root file system'
const needsCapabilities = 'the image changes owners and users at its start'
const noEndpoint = 'the server has no endpoint that the kubelet may call'

export const workloads: Record<string, Facts> = {
  '01-web-api': {
    servicePorts: [80],
    callers: [
      { ...ingressNginx, port: 8080 },
      { ...pods('storefront'), port: 8080 },
    ],
    calls: [
      { address: '10.20.7.9', port: 5432 },
      { address: '198.51.100.7', port: 443 },
      { namespace: 'observability', port: 4318 },
    ],
    unsupported:
      'a rule for a host name, such as api.stripe.com: a NetworkPolicy selects no host names',
  },
  '02-nginx': { servicePorts: [80] },
  '03-grafana': {
    servicePorts: [80],
    usesToken: true,
    otherObjects:
      'the claim keeps its data after a deletion; the sidecar needs a Role and a RoleBinding',
  },
  '04-keycloak': {
    servicePorts: [80],
    callers: [
      { ...ingressNginx, port: 8080 },
      { ...pods('keycloak'), port: 7800 },
      { ...monitoring, port: 9000 },
    ],
    calls: [
      { ...pods('keycloak'), port: 7800 },
      { ...database, port: 5432 },
    ],
    exceptions: { rootIsReadOnly: 'Keycloak writes what it builds to /opt/keycloak' },
    otherObjects: 'DNS_PING needs the addresses of the pods from a headless Service',
  },
  '05-ghost': {
    servicePorts: [80],
    otherObjects: 'the claim keeps its data when the MyApp goes',
    exceptions: { rootIsReadOnly: writesRoot },
  },
  '06-nextcloud': {
    servicePorts: [80],
    otherObjects: 'the claim keeps its data when the MyApp goes',
    exceptions: {
      runsAsNonRoot: rootImage,
      keepsRestrictedProfile: needsCapabilities,
      rootIsReadOnly: writesRoot,
    },
  },
  '07-gitea': {
    servicePorts: [80, 22],
    isBehindLoadBalancer: true,
    otherObjects: 'the claim keeps its data when the MyApp goes; a MyApp has no load balancer',
  },
  '08-vault-agent': {
    servicePorts: [80],
    usesToken: true,
  },
  '09-metrics': {
    servicePorts: [80],
    callers: [
      { ...pods('orders-api'), port: 8080 },
      { ...monitoring, port: 9090 },
    ],
  },
  '10-grpc-gateway': {
    servicePorts: [9000],
    isBehindLoadBalancer: true,
    otherObjects: 'clients that balance need the addresses of the pods from a headless Service',
  },
  '11-celery': {
    callers: [{ ...monitoring, port: 9808 }],
    calls: [
      { namespace: 'data', podLabels: { 'app.kubernetes.io/name': 'rabbitmq' }, port: 5672 },
      { address: '192.0.2.25', port: 587 },
    ],
  },
  '12-django': { servicePorts: [80] },
  '13-spring-boot': {
    servicePorts: [80],
    callers: [
      { ...pods('backoffice'), port: 8080 },
      { ...monitoring, port: 8081 },
    ],
  },
  '14-read-only-root': {
    servicePorts: [80],
    exceptions: { readinessAsksTheApp: noEndpoint },
  },
  '15-mtls': {
    servicePorts: [443],
    exceptions: { readinessAsksTheApp: 'the kubelet has no client certificate' },
  },
  '16-oauth2-proxy': {
    servicePorts: [80],
    callers: [{ ...ingressNginx, port: 4180 }],
  },
  '17-workload-identity': {},
  '18-cron-job': {
    servicePorts: [80],
    unsupported: 'a schedule: a separate CronJob has copies of image, variables and security',
  },
  '19-vaultwarden': {
    servicePorts: [80],
    otherObjects: 'the claim keeps its data when the MyApp goes',
  },
  '20-mqtt': {
    servicePorts: [8883, 1884],
    isBehindLoadBalancer: true,
    otherObjects: 'the claim keeps its data when the MyApp goes; a MyApp has no load balancer',
    exceptions: { readinessAsksTheApp: noEndpoint },
  },
  '21-canary': {
    servicePorts: [80],
    otherObjects: 'a Service selects the pods of both MyApps',
    unsupported: 'a share of the traffic that does not depend on the number of pods',
  },
  '22-three-ports': {
    servicePorts: [80, 9999],
    callers: [
      { ...ingressNginx, port: 9898 },
      { ...pods('orders-api'), port: 9999 },
      { ...monitoring, port: 9797 },
    ],
  },
  '23-config-files': { servicePorts: [80] },
  '24-csi-secrets': {
    servicePorts: [80],
  },
}

/** The apps in manifests/examples/apps. */
export const exampleApps: Record<string, Facts> = {
  'web-api': {
    servicePorts: [80],
    callers: [
      { ...ingressNginx, port: 8080 },
      { ...pods('storefront'), port: 8080 },
    ],
    calls: [
      { ...pods('inventory'), port: 9898 },
      { ...pods('pricing'), port: 9000 },
      { address: '10.20.7.9', port: 5432 },
      { address: '198.51.100.7', port: 443 },
      { namespace: 'observability', port: 4318 },
    ],
  },
  worker: {
    calls: [
      { namespace: 'data', podLabels: { 'app.kubernetes.io/name': 'rabbitmq' }, port: 5672 },
      { address: '192.0.2.25', port: 587 },
    ],
  },
  grpc: {
    servicePorts: [9000],
    callers: [
      { ...pods('orders-api'), port: 9000 },
      { ...pods('storefront'), port: 9000 },
      { ...monitoring, port: 9090 },
    ],
  },
  java: {
    servicePorts: [80],
    callers: [
      { ...pods('backoffice'), port: 8080 },
      { ...monitoring, port: 8081 },
    ],
    calls: [{ ...database, port: 5432 }],
  },
  django: { servicePorts: [80] },
  'static-site': { servicePorts: [80] },
  singleton: {
    servicePorts: [80],
    otherObjects: 'the claim keeps its data when the MyApp goes',
  },
  'login-proxy': {
    servicePorts: [80],
    callers: [{ ...ingressNginx, port: 4180 }],
  },
  mesh: {
    servicePorts: [80, 8090],
    callers: [
      { namespace: 'istio-ingress', port: 8080 },
      { ...pods('orders-api'), port: 8090 },
    ],
    calls: [
      { ...pods('pricing'), port: 9000 },
      { ...pods('orders-api'), port: 8080 },
      { namespace: 'istio-system', port: 15012 },
    ],
  },
  prometheus: {
    servicePorts: [80],
    callers: [
      { ...pods('orders-api'), port: 9898 },
      { ...monitoring, port: 9797 },
    ],
  },
}
