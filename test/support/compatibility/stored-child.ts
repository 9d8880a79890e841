import { parseAllDocuments } from 'yaml'
import { changes, settle } from '../../../src/cli/diff.ts'
import { type FileConfig, type FileMyApp, noUid, readFiles } from '../../../src/cli/manifests.ts'
import { newRequest } from '../../../src/cli/render.ts'
import { lastAppliedAnnotation } from '../../../src/metacontroller/protocol.ts'
import { isObject } from '../../../src/metacontroller/json.ts'
import type { KubernetesObject, ObservedObject } from '../../../src/metacontroller/protocol.ts'
import { configReferences } from '../../../src/myapp/config-references.ts'
import { type HookRequest, keyOf } from '../../../src/myapp/request.ts'
import { apiVersion, kind } from '../../../src/api/myapp.ts'
import { sync } from '../../../src/myapp/sync.ts'
import { context } from '../fixtures/context.ts'

type Fields = Record<string, unknown>

const probe = { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 }
const pod = {
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
}
const isMovingTag = (image: unknown) => !/[^/]*[:@](?!latest$)[^/]*$/.test(String(image))

/** The defaults of the API server by path. A `*` in a path stands for every item of a list. */
const serverDefaults: Array<[place: string, fields: Fields | ((there: Fields) => Fields)]> = [
  ['Deployment.spec', { progressDeadlineSeconds: 600, revisionHistoryLimit: 10 }],
  [
    'Deployment.spec.template.spec',
    ({ serviceAccountName }) => ({
      ...pod,
      ...(serviceAccountName !== undefined && { serviceAccount: serviceAccountName }),
    }),
  ],
  [
    'Deployment.spec.template.spec.containers.*',
    ({ image }) => ({
      imagePullPolicy: isMovingTag(image) ? 'Always' : 'IfNotPresent',
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    }),
  ],
  ...['startupProbe', 'readinessProbe', 'livenessProbe'].map((check): [string, Fields] => [
    `Deployment.spec.template.spec.containers.*.${check}`,
    probe,
  ]),
  ...['configMap', 'secret'].map((source): [string, Fields] => [
    `Deployment.spec.template.spec.volumes.*.${source}`,
    { defaultMode: 420 },
  ]),
  [
    'Service.spec',
    {
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7'],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      type: 'ClusterIP',
    },
  ],
]

function fillIn(
  at: unknown,
  [step, ...steps]: string[],
  fields: Fields | ((there: Fields) => Fields),
): void {
  if (step === '*' && Array.isArray(at)) for (const item of at) fillIn(item, steps, fields)
  else if (isObject(at)) {
    step === undefined
      ? Object.assign(at, { ...(typeof fields === 'function' ? fields(at) : fields), ...at })
      : fillIn(at[step], steps, fields)
  }
}

/** A child as the API server stores it after its creation by Metacontroller. */
export function storedChild(
  child: KubernetesObject,
  { metadata: { name, uid } }: Pick<HookRequest, 'parent'>['parent'],
): ObservedObject {
  const {
    metadata: { namespace = '', labels, annotations },
  } = child
  const returned = {
    ...child,
    metadata: { ...child.metadata, labels: { ...labels, 'controller-uid': uid } },
  }
  const object = structuredClone({
    ...returned,
    metadata: {
      ...returned.metadata,
      namespace,
      annotations: { ...annotations, [lastAppliedAnnotation]: JSON.stringify(returned) },
    },
  })
  for (const [place, fields] of serverDefaults) {
    fillIn({ [child.kind]: object }, place.split('.'), fields)
  }
  return {
    ...object,
    metadata: {
      ...object.metadata,
      uid: `${child.kind}-uid`,
      ownerReferences: [
        { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true } as {
          uid: string
          controller: boolean
        },
      ],
      managedFields: [
        {
          manager: 'metacontroller',
          operation: 'Update',
          fieldsV1: { 'f:metadata': { 'f:annotations': { [`f:${lastAppliedAnnotation}`]: {} } } },
        },
      ],
    },
  }
}

/** The changes that this version makes to the children that another version created. */
export function upgrade(
  file: string,
  children: string,
): { differences: string[]; pausedOnTheWay: string[] } {
  const { myApps, config } = readFiles([file], false, 'default')
  const made = parseAllDocuments(children, { version: '1.1' }).map(
    (document) => document.toJS() as KubernetesObject,
  )
  const requests = myApps.map((app) =>
    requestFor(
      app,
      config,
      made.filter(({ metadata: { name } }) => name === app.metadata.name),
    ),
  )
  return {
    differences: requests
      .flatMap((request) => changes(request.children, settle(request, context)))
      .flatMap(({ kind, action, fields }) =>
        action === 'update' ? fields.map((field) => `${kind} ${field}`) : [kind],
      ),
    pausedOnTheWay: requests
      .flatMap((request) => sync(request, context).children)
      .filter(({ spec }) => (spec as { paused?: boolean } | undefined)?.paused)
      .map(({ metadata: { name } }) => name),
  }
}

/** The requests for the MyApps of a file whose children and config exist. */
export const settledRequests = (file: string): HookRequest[] =>
  readFiles([file], false, 'default').myApps.map((app) => {
    const config = referencedConfig(app)
    const { children } = sync(requestFor(app, config, []), context)
    return requestFor(app, config, children)
  })

/** The ConfigMaps and Secrets that the pods of a MyApp use, with the used keys. */
function referencedConfig({ metadata: { namespace }, spec }: FileMyApp): FileConfig {
  const config: FileConfig = { 'ConfigMap.v1': {}, 'Secret.v1': {} }
  for (const { kind, name, key } of configReferences(spec)) {
    const objects = config[`${kind}.v1`]
    const id = keyOf({ namespace, name })
    objects[id] = {
      metadata: { name, namespace, uid: noUid },
      data: { ...objects[id]?.data, ...(key !== undefined && { [key]: 'eA==' }) },
    }
  }
  return config
}

function requestFor(app: FileMyApp, config: FileConfig, made: KubernetesObject[]): HookRequest {
  const request = newRequest(app, config)
  const groups: Record<string, Record<string, ObservedObject>> = request.children
  for (const child of made) {
    groups[`${child.kind}.${child.apiVersion}`] = {
      [keyOf(app.metadata)]: storedChild(child, request.parent),
    }
  }
  return request
}
