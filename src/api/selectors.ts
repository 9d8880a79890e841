import { type Form, labelKey, labelValue, objectName } from './formats.ts'

/** A condition of a selector. */
export interface Expression {
  key: string
  operator: string
  values?: string[]
}

/** What the operators on labels go with; `others` says how many values any other operator has, and nothing does where there is none. */
function operators(words: string, others?: number): Form<Expression> {
  return {
    words,
    rule: (condition) => {
      const has = (count: string) =>
        `(has(${condition}.values) ? size(${condition}.values) : 0) ${count}`
      return `${condition}.operator in ['In', 'NotIn'] ? ${has('> 0')} : ${condition}.operator in ['Exists', 'DoesNotExist'] ? ${has('== 0')} : ${others === undefined ? 'false' : has(`== ${others}`)}`
    },
    fits: ({ operator, values = [] }) =>
      ['In', 'NotIn'].includes(operator)
        ? values.length > 0
        : values.length === (['Exists', 'DoesNotExist'].includes(operator) ? 0 : others),
  }
}

const ofLabels = 'In and NotIn need values, Exists and DoesNotExist have none'
export const podExpression = operators(`${ofLabels}, and Gt and Lt are for nodes`)
export const nodeExpression = operators(`${ofLabels}, and Gt and Lt have one`, 1)

export const nodeField: Form<Expression> = {
  words: 'the only field is metadata.name, with In or NotIn and the name of one node',
  rule: (condition) =>
    `${condition}.key == 'metadata.name' && ${condition}.operator in ['In', 'NotIn'] && has(${condition}.values) && size(${condition}.values) == 1 && ${objectName.rule(`${condition}.values[0]`)}`,
  fits: ({ key, operator, values = [] }) =>
    key === 'metadata.name' &&
    ['In', 'NotIn'].includes(operator) &&
    values.length === 1 &&
    values.every(objectName.fits),
}

export const onLabel: Form<Expression> = {
  words: `a key is ${labelKey.words}`,
  rule: (condition) => labelKey.rule(`${condition}.key`),
  fits: ({ key }) => labelKey.fits(key),
}

/** That a label can have the values: of so many the API server can only afford to look at the characters, and the hook looks at the rest. */
export const withLabelValues: Form<Expression> = {
  words: `a value is ${labelValue.words}`,
  rule: (condition) =>
    `(!has(${condition}.values) || ${condition}.values.all(value, !value.matches('[^-.\\\\w]')))`,
  fits: ({ values = [] }) => values.every(labelValue.fits),
}
