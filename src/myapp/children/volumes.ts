import type {
  V1CSIVolumeSource,
  V1ConfigMapProjection,
  V1ConfigMapVolumeSource,
  V1EmptyDirVolumeSource,
  V1PersistentVolumeClaimVolumeSource,
  V1ProjectedVolumeSource,
  V1SecretProjection,
  V1SecretVolumeSource,
  V1ServiceAccountTokenProjection,
  V1Volume,
  V1VolumeMount,
  V1VolumeProjection,
} from '@kubernetes/client-node'
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { filesPrefix } from '../../api/annotations.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import { defaultExpirationSeconds, isReadOnly } from '../../api/volumes.ts'
import { compact } from './compact.ts'
import { isRootReadOnly } from './pod-security.ts'

type Volume = NonNullable<MyAppSpec['volumes']>[number]
type EmptyDir = NonNullable<Volume['emptyDir']>
type Projected = NonNullable<Volume['projected']>

/** The volumes of the pods. Entries of one claim share a volume, which the kubelet mounts once. */
export function podVolumes(spec: MyAppSpec): V1Volume[] {
  const { volumes = [] } = spec
  const files = filesOf(spec)
  const tmp = tmpVolume(spec)
  return [
    ...volumes.filter((volume) => podVolumeName(spec, volume) === volume.name).map(toVolume),
    ...(files.length > 0 ? [toFilesVolume(filesVolume(spec), files)] : []),
    ...(tmp !== undefined ? [{ name: tmp, emptyDir: {} }] : []),
  ]
}

/** The volume mounts of a container of the app. */
export function volumeMounts(spec: MyAppSpec): V1VolumeMount[] {
  const { volumes = [] } = spec
  const tmp = tmpVolume(spec)
  return [
    ...volumes.map((volume) => toVolumeMount(spec, volume)),
    ...filesOf(spec).map(({ path, fileName }) => ({
      name: filesVolume(spec),
      mountPath: path,
      subPath: fileName,
      readOnly: true,
    })),
    ...(tmp !== undefined ? [{ name: tmp, mountPath: '/tmp' }] : []),
  ]
}

/** The mount of a volume at its own path. */
export const toVolumeMount = (spec: MyAppSpec, volume: Volume) =>
  compact<V1VolumeMount>({
    name: podVolumeName(spec, volume),
    mountPath: volume.mountPath,
    subPath: volume.subPath,
    readOnly: isReadOnly(volume) ? true : undefined,
  })

/** The name of the volume in the pod: that of the first entry of the same claim. */
function podVolumeName({ volumes = [] }: MyAppSpec, volume: Volume): string {
  const claimName = volume.persistentVolumeClaim?.claimName
  if (claimName === undefined) return volume.name
  return (
    volumes.find((other) => other.persistentVolumeClaim?.claimName === claimName)?.name ??
    volume.name
  )
}

/**
 * The name of the emptyDir for /tmp. An app with a read-only root file system gets it unless it
 * mounts a volume at /tmp.
 */
function tmpVolume(spec: MyAppSpec): string | undefined {
  const { volumes = [], files = {} } = spec
  const isMounted =
    volumes.some(({ mountPath }) => posix.resolve(mountPath) === '/tmp') ||
    Object.hasOwn(files, '/tmp')
  return isRootReadOnly(spec) && !isMounted ? freeName(spec, 'tmp') : undefined
}

/**
 * The pod annotations with the texts of `files`. A downwardAPI volume turns each annotation into a
 * file. So files need no ConfigMap and no further permission. The text is part of the pod template,
 * so the Deployment rolls its pods when the text changes.
 */
export const fileAnnotations = (spec: MyAppSpec): Record<string, string> =>
  Object.fromEntries(filesOf(spec).map(({ fileName, text }) => [filesPrefix + fileName, text]))

interface File {
  path: string
  text: string
  /** The name in the volume, and in the key of the annotation. */
  fileName: string
}

/** The files, with names from a digest of the path: a name has at most 63 characters. */
const filesOf = (spec: MyAppSpec): File[] =>
  Object.entries(spec.files ?? {}).map(([path, text]) => {
    const digest = createHash('sha256').update(path).digest('hex').slice(0, 16)
    const name = posix
      .basename(path)
      .slice(-40)
      .replace(/^[^A-Za-z0-9]+/, '')
    return { path, text, fileName: name === '' ? digest : `${name}.${digest}` }
  })

const filesVolume = (spec: MyAppSpec) => freeName(spec, 'files')

/** The volume of the files. Each item has the default apiVersion, as the API server stores it. */
const toFilesVolume = (name: string, files: File[]): V1Volume => ({
  name,
  downwardAPI: {
    items: files.map(({ fileName }) => ({
      path: fileName,
      fieldRef: {
        apiVersion: 'v1',
        fieldPath: `metadata.annotations['${filesPrefix}${fileName}']`,
      },
    })),
  },
})

/** The given name, or the name with a number if a volume of the spec has it. */
function freeName({ volumes = [] }: MyAppSpec, name: string): string {
  const isTaken = (name: string) => volumes.some((volume) => volume.name === name)
  let [free, count] = [name, 0]
  while (isTaken(free)) free = `${name}-${++count}`
  return free
}

const toVolume = ({
  name,
  configMap,
  secret,
  emptyDir,
  persistentVolumeClaim: claim,
  projected,
  csi,
}: Volume): V1Volume => ({
  ...compact<V1Volume>({
    name,
    configMap: configMap && compact<V1ConfigMapVolumeSource>(configMap),
    secret: secret && compact<V1SecretVolumeSource>(secret),
    persistentVolumeClaim:
      claim && ({ claimName: claim.claimName } satisfies V1PersistentVolumeClaimVolumeSource),
    projected: projected && toProjected(projected),
    csi: csi && compact<V1CSIVolumeSource>(csi),
  }),
  // The API server stores an empty emptyDir as it is: {}.
  ...(emptyDir && { emptyDir: toEmptyDir(emptyDir) }),
})

const toEmptyDir = ({ medium, sizeLimit }: EmptyDir) =>
  compact<V1EmptyDirVolumeSource>({
    medium,
    sizeLimit: sizeLimit === undefined ? undefined : canonicalQuantity(sizeLimit),
  })

/**
 * Metacontroller replaces the list of sources as a whole. So each source has the defaults of the
 * API server. Otherwise every sync would write the list.
 */
const toProjected = ({ sources, defaultMode = 0o644 }: Projected) =>
  compact<V1ProjectedVolumeSource>({
    sources: sources.map(({ serviceAccountToken: token, configMap, secret }) =>
      compact<V1VolumeProjection>({
        serviceAccountToken:
          token &&
          compact<V1ServiceAccountTokenProjection>({
            expirationSeconds: defaultExpirationSeconds,
            ...token,
          }),
        configMap: configMap && compact<V1ConfigMapProjection>(configMap),
        secret: secret && compact<V1SecretProjection>(secret),
      }),
    ),
    defaultMode,
  })
