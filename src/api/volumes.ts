import Type from 'typebox'
import {
  choice,
  distinct,
  exactlyOne,
  flag,
  formatted,
  hookOnly,
  integer,
  list,
  listByKey,
  map,
  object,
  objectName,
  opt,
  quantity,
  rule,
  rules,
  text,
} from './fields.ts'
import { nonEmpty, optional } from './pod.ts'

/** The volumes of the pods of a MyApp. */

const items = (options: object = {}) =>
  list(
    'Keys to mount, each as a file. Defaults to all keys.',
    object('A key and its file.', {
      key: nonEmpty('Key in the object.'),
      path: formatted('filePath', 'Path of the file, relative to mountPath.', {
        minLength: 1,
        maxLength: 1024,
        ...options,
      }),
    }),
    64,
  )
const defaultMode = integer(
  'Permissions of the files, such as 0400 in YAML, which is octal for 256. Defaults to 0644, ' +
    'which is 420.',
  0,
  0o777,
)

/** The default of expirationSeconds, which the API server would fill in. */
export const defaultExpirationSeconds = 3600

/** The message for two files of a volume with the same path. No CEL rule checks it. */
export const pathMessage = 'another file in the volume has this path'

const projectedConfig = (kind: 'ConfigMap' | 'Secret') =>
  object(`Files from a ${kind} in the same namespace.`, {
    name: objectName(`Name of the ${kind}.`),
    // The CRD does not check the paths: the API server limits the total cost of its rules.
    items: opt(items(hookOnly)),
    optional: opt(optional),
  })
const projectedSources = {
  serviceAccountToken: opt(
    object("A token of the pods' ServiceAccount. The kubelet renews it.", {
      audience: opt(
        text('Recipient that the token is for. Defaults to the API server.', { maxLength: 1024 }),
      ),
      expirationSeconds: opt(
        Type.Integer({
          description: 'Seconds for which the token is valid. Defaults to 3600.',
          format: 'int64',
          minimum: 600,
          maximum: 2 ** 32,
        }),
      ),
      path: formatted('filePath', 'Path of the file, relative to mountPath.', {
        minLength: 1,
        maxLength: 1024,
        ...hookOnly,
      }),
    }),
  ),
  configMap: opt(projectedConfig('ConfigMap')),
  secret: opt(projectedConfig('Secret')),
}

const accessModes = ['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod'] as const
const volumeSources = {
  configMap: opt(
    object('Files from a ConfigMap in the same namespace.', {
      name: nonEmpty('Name of the ConfigMap.'),
      items: opt(items()),
      optional: opt(optional),
      defaultMode: opt(defaultMode),
    }),
  ),
  secret: opt(
    object('Files from a Secret in the same namespace.', {
      secretName: nonEmpty('Name of the Secret.'),
      items: opt(items()),
      optional: opt(optional),
      defaultMode: opt(defaultMode),
    }),
  ),
  emptyDir: opt(
    object('An empty directory that lives as long as the pod.', {
      medium: opt(choice(['Memory'], 'Memory: a RAM-backed file system.')),
      sizeLimit: opt(quantity('Maximum size, such as 1Gi.')),
    }),
  ),
  persistentVolumeClaim: opt(
    object('An existing PersistentVolumeClaim in the same namespace.', {
      claimName: nonEmpty('Name of the PersistentVolumeClaim.'),
      accessMode: opt(
        choice(
          accessModes,
          'Access mode of the claim. ReadWriteMany allows several pods to write to the claim. ' +
            'Defaults to ReadWriteOnce.',
        ),
      ),
    }),
  ),
  projected: opt(
    object('Files from several sources in one directory.', {
      sources: list(
        'Sources of the files.',
        object(
          'A source. Exactly one of serviceAccountToken, configMap and secret must be set.',
          projectedSources,
          exactlyOne(...Object.keys(projectedSources)),
        ),
        8,
        { minItems: 1 },
      ),
      defaultMode: opt(defaultMode),
    }),
  ),
  csi: opt(
    object('A volume that a CSI driver creates with the pod, such as secrets of a vault.', {
      driver: formatted('csiDriver', 'Name of the CSI driver.', { maxLength: 63 }),
      readOnly: opt(flag('Ask the driver for a read-only mount. Defaults to false.')),
      volumeAttributes: opt(map('Parameters of the driver.')),
      nodePublishSecretRef: opt(
        object('A Secret in the same namespace that the driver reads.', {
          name: objectName('Name of the Secret.'),
        }),
      ),
    }),
  ),
}
export const Volumes = listByKey(
  'Volumes and where they are mounted in the container.',
  object(
    'A volume and its mount. Exactly one of configMap, secret, emptyDir, ' +
      'persistentVolumeClaim, projected and csi must be set.',
    {
      name: formatted('volumeName', 'Name of the volume.', { maxLength: 63 }),
      mountPath: formatted('mountPath', 'Absolute path of the mount in the container.', {
        maxLength: 1024,
      }),
      subPath: opt(
        formatted(
          'volumePath',
          'Path in the volume to mount. With subPath, files of configMap, secret and projected ' +
            'do not change while the pod runs.',
          { maxLength: 1024 },
        ),
      ),
      readOnly: opt(
        flag(
          'Mount the volume read-only. Defaults to true for configMap, secret and projected, ' +
            'and to false for emptyDir, persistentVolumeClaim and csi.',
        ),
      ),
      ...volumeSources,
    },
    exactlyOne(...Object.keys(volumeSources)),
  ),
  32,
  'name',
  rules(distinct('mountPath')),
)

type Volume = Type.Static<typeof Volumes>[number]

/** Whether a volume is mounted read-only. */
export const isReadOnly = ({ readOnly, configMap, secret, projected }: Volume) =>
  readOnly ?? (configMap ?? secret ?? projected) !== undefined

/**
 * Whether only one pod may use the volume. Several pods on one node can use a ReadWriteOnce claim.
 * The operator allows this only if they mount the claim read-only.
 */
export const isForOnePod = (volume: Volume) => {
  const { accessMode = 'ReadWriteOnce' } = volume.persistentVolumeClaim ?? {}
  return (
    volume.persistentVolumeClaim !== undefined &&
    (accessMode === 'ReadWriteOncePod' || (accessMode !== 'ReadWriteMany' && !isReadOnly(volume)))
  )
}

/** Whether the pods use a claim that only one pod can use. */
export const isSingleton = ({ volumes = [] }: { volumes?: Volume[] }) => volumes.some(isForOnePod)

const remedy = 'set accessMode: ReadWriteMany if the claim allows it'
const claimForOnePod = 'a claim that only one pod can use'
const atMostOne = `must be at most 1 when a volume uses ${claimForOnePod}: ${remedy}`
/**
 * Messages for more pods than a claim allows. cross-field.ts checks the same rules in TypeScript.
 */
export const claimMessages = {
  replicas: `replicas ${atMostOne}`,
  maxReplicas: `autoscaling.maxReplicas ${atMostOne}`,
  value: (volume: number, got: number) =>
    `must be at most 1, got ${got}: volumes[${volume}] uses ${claimForOnePod}; ${remedy}`,
}

const forOnePod =
  'has(volume.persistentVolumeClaim) && (has(volume.persistentVolumeClaim.accessMode) ? ' +
  "volume.persistentVolumeClaim.accessMode == 'ReadWriteOncePod' || " +
  "(volume.persistentVolumeClaim.accessMode == 'ReadWriteOnce' && " +
  '!(has(volume.readOnly) && volume.readOnly)) : !(has(volume.readOnly) && volume.readOnly))'
const noneForOnePod = `!has(self.volumes) || !self.volumes.exists(volume, ${forOnePod})`

/** CEL rules on `spec` with these messages. */
export const claimRules = [
  rule(
    `${noneForOnePod} || has(self.autoscaling) || !has(self.replicas) || self.replicas <= 1`,
    claimMessages.replicas,
  ),
  rule(
    `!has(self.autoscaling) || self.autoscaling.maxReplicas <= 1 || ${noneForOnePod}`,
    claimMessages.maxReplicas,
  ),
]

/** The maximum size of all paths and texts of files together, in characters. */
export const filesMaxCharacters = 65_536

/**
 * Messages for files. cross-field.ts checks the same rules in TypeScript. Only cross-field.ts
 * checks that no path is inside the path of another file. A CRD cannot bound the length of keys. So
 * the API server would estimate that a rule that compares all keys is too expensive, and refuse it.
 */
export const filesMessages = {
  size: `paths and texts must have at most ${filesMaxCharacters} characters in total`,
  inside: 'a path must not be inside the path of another file',
  mountPath: 'a path in files must not be the mountPath of a volume',
}

export const Files = map(
  'Text files by their path in the container, such as /etc/app/app.conf. Read-only. Pods roll ' +
    'when a text changes. Do not use for secrets: anyone who can read the pods can read the ' +
    `texts. At most 64 files with ${filesMaxCharacters} characters in total.`,
  {
    key: 'plainFilePath',
    value: { maxLength: filesMaxCharacters },
    options: rules(
      rule(
        `self.map(path, size(path) + size(self[path])).sum() <= ${filesMaxCharacters}`,
        filesMessages.size,
      ),
    ),
  },
)

/** The CEL rule on `spec`. */
export const filesRule = rule(
  '!has(self.files) || !has(self.volumes) || ' +
    'self.volumes.all(volume, !(volume.mountPath in self.files))',
  filesMessages.mountPath,
)
