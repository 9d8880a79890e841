import { Ajv, type Options } from 'ajv'

/** Ajv as the project uses it. The CRD's own keywords mean nothing to it. */
export function newAjv(options: Options): Ajv {
  const ajv = new Ajv(options)
  ajv.addVocabulary([
    'x-kubernetes-validations',
    'x-kubernetes-list-type',
    'x-kubernetes-list-map-keys',
    'x-kubernetes-int-or-string',
    'patternErrorMessage',
  ])
  for (const format of ['int32', 'int64', 'date-time']) ajv.addFormat(format, true)
  return ajv
}
