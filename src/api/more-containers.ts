import type Type from 'typebox'
import { env, words } from './environment.ts'
import {
  distinct,
  flag,
  formatted,
  list,
  listByKey,
  object,
  opt,
  rule,
  rules,
  text,
} from './fields.ts'
import { EnvFrom, Resources, SidecarProbes } from './pod.ts'

/** The init containers and sidecars of a pod. */

/** Messages of the CEL rules below. cross-field.ts checks the same rules in TypeScript. */
export const containerMessages = {
  names: 'init and sidecars may not have the same name',
  volume: 'volumeMounts may only name volumes of spec.volumes',
}

const VolumeMounts = list(
  'Volumes of the app to mount. Defaults to all of them, at the paths of the app.',
  object('A volume and its path.', {
    name: formatted('volumeName', 'Name of a volume in spec.volumes.', { maxLength: 63 }),
    mountPath: formatted('mountPath', 'Absolute path of the mount in the container.', {
      maxLength: 1024,
    }),
    subPath: opt(formatted('volumePath', 'Path in the volume to mount.', { maxLength: 1024 })),
    readOnly: opt(flag('Mount the volume read-only. Defaults to the setting of the app.')),
  }),
  32,
  rules(distinct('mountPath')),
)

const fields = {
  name: formatted(
    'extraContainerName',
    'Name of the container. Different from app and from every other container.',
    { maxLength: 63 },
  ),
  image: opt(
    formatted('image', 'Container image. Defaults to that of the app.', { maxLength: 1024 }),
  ),
  command: opt(words("Entrypoint of the container. Defaults to the image's.")),
  args: opt(words("Arguments of the entrypoint. Defaults to the image's.")),
  workingDir: opt(text("Working directory. Defaults to the image's.", { maxLength: 1024 })),
  env: opt(env('Environment variables. Defaults to those of the app; [] for none.', 16)),
  envFrom: opt(EnvFrom),
  resources: opt(Resources),
  volumeMounts: opt(VolumeMounts),
}

export const Init = listByKey(
  'Containers that run to completion, one after another, before the app starts. Image, env, ' +
    'envFrom, resources and volumes are those of the app unless they are set. Extended ' +
    'resources, such as GPUs, are not inherited.',
  object('An init container.', fields),
  8,
  'name',
)

export const Sidecars = listByKey(
  'Containers that run beside the app. They start before the init containers and stop after the ' +
    'app. Image, env, envFrom, resources and volumes are those of the app unless they are set. ' +
    'Extended resources, such as GPUs, are not inherited.',
  object('A sidecar.', { ...fields, probes: opt(SidecarProbes) }),
  8,
  'name',
)

const ofBoth = (cel: (list: string) => string) => ['init', 'sidecars'].map(cel).join(' && ')
/** CEL rules on `spec` with these messages. */
export const containerRules = [
  rule(
    '!has(self.init) || !has(self.sidecars) || self.init.all(one, !self.sidecars.exists(other, ' +
      'other.name == one.name))',
    containerMessages.names,
  ),
  rule(
    ofBoth(
      (list) =>
        `(!has(self.${list}) || self.${list}.all(one, !has(one.volumeMounts) || ` +
        'one.volumeMounts.all(mount, has(self.volumes) && ' +
        'self.volumes.exists(volume, volume.name == mount.name))))',
    ),
    containerMessages.volume,
  ),
]

export type InitContainer = Type.Static<typeof Init>[number]
export type Sidecar = Type.Static<typeof Sidecars>[number]
