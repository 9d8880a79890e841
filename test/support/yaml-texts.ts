import fc from 'fast-check'

/** Texts that kubectl may read: most are YAML, some are only nearly YAML. */

const from = (...texts: string[]) => fc.constantFrom(...texts)
const some = (letters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength }).map((all) => all.join(''))

/** Plain scalars, many of which look like a number, a boolean, a time or null. */
export const plainText = fc.oneof(
  some('0123456789._+-eE', 8),
  some('01_xXoObB.eE+-7f', 7),
  fc
    .tuple(from('0b', '-0b', '+0b', '0B', '0x', '0o'), some('01+-_', 4))
    .map((parts) => parts.join('')),
  from(
    ...['.', '+.', '-.', 'e2', 'E58', '.e3', '0o17', '0O17', '0X1F', '0x1f', '0B1', '0b1', '0b2'],
    ...[
      '1e_3',
      '-_9',
      '1_000',
      '08',
      '0777',
      '+1',
      '-0',
      '-0.0',
      '1.',
      '1.5e3',
      '1e400',
      '.5',
      '5.',
    ],
    ...[
      '9223372036854775807',
      '9223372036854775808',
      '18446744073709551616',
      '-9223372036854775808',
    ],
    ...['yes', 'No', 'on', 'OFF', 'y', 'N', 'true', 'False', 'TRUE', 'tRUE', '~', 'null', 'NULL'],
    ...['.nan', '.inf', '-.INF', '+.inf', '.Nan', 'Infinity', 'NaN', '<<', '=', '10:20:30', '1:2'],
    ...[
      '2001-12-14',
      '2001-2-30',
      '2001-12-14T21:59:43.10Z',
      '2001-12-14 21:59:43.10',
      '2001-12-14t1:2:3-05:00',
    ],
    ...[
      'nginx:1.29',
      'http://a/b?c=d#e',
      'a b',
      "it's",
      'a"b',
      'a,b',
      'a: b',
      'a #b',
      '-a',
      '- a',
      '?a',
      ':a',
    ],
    ...[
      '%a',
      '@a',
      '`a',
      '*a',
      '&a',
      '!a',
      '|a',
      '>a',
      '{a',
      '[a',
      '#a',
      'ä',
      '日本',
      '😀',
      '-',
      '--',
      '---',
      '...',
      '?',
      ':',
    ],
  ),
  some('ab1:#-,.?!&*%@ \t\'"', 6),
)

const quoted = fc.oneof(
  some('ab\'" \\\\n:#{[', 8).map((text) => `'${text.replaceAll("'", "''")}'`),
  some('ab \t:#{[,', 8).map((text) => `"${text}"`),
  from(
    ...[
      '"\\u0085"',
      '"\\x41"',
      '"\\N\\_\\L\\P"',
      '"\\/"',
      '"\\e"',
      '"a\\\n  b"',
      '"a\n  b"',
      "'a\n\n  b'",
    ],
    ...[
      '""',
      "''",
      '"<<"',
      '"on"',
      '"\\ud83d\\ude00"',
      '"\\U0001F600"',
      '"\\q"',
      '"a',
      "'a",
      '"a\nb"',
      "'a\nb'",
    ],
  ),
)

const tagged = fc
  .tuple(
    from(
      '!!float',
      '!!int',
      '!!str',
      '!!bool',
      '!!null',
      '!!binary',
      '!!timestamp',
      '!',
      '!x',
      '!!x',
      '&a',
      '&a !!str',
    ),
    fc.oneof(plainText, quoted, from('1', 'aGk=', 'aGk', '2001-12-14', '')),
  )
  .map((parts) => parts.join(' '))

const scalar = fc.oneof(
  { weight: 5, arbitrary: plainText },
  { weight: 2, arbitrary: quoted },
  { weight: 1, arbitrary: tagged },
  { weight: 1, arbitrary: from('*a', '*b', '') },
  {
    weight: 1,
    arbitrary: from(
      ...[
        '-',
        '--',
        'a -',
        'a\u00a0b',
        '\u3000',
        'a:b',
        'a:',
        'http://a:80/',
        'a\\b',
        '"a"# c',
        "'a' # c",
      ],
      ...['"a" b', "''''", '"\\t"', '"\\\\"', '"é"', 'x'.repeat(1100), '-1', '- ', '?', ': ', ', '],
    ),
  },
)

const key = fc.oneof(
  { weight: 8, arbitrary: from('a', 'b', 'c', 'd', 'spec', 'kind') },
  {
    weight: 2,
    arbitrary: from(
      '<<',
      'n',
      'y',
      '1',
      '1.5',
      '1e6',
      '0x10',
      '~',
      'null',
      '2001-12-14',
      '"q"',
      "'r s'",
      '&a k',
      '? e',
    ),
  },
  {
    weight: 1,
    arbitrary: from(
      ...['&a "q"', '&b', '&a k ', '? &a k', '*a', '*a ', '*b', '!!str k', '!!int 1', '!x k'],
      ...[
        '!!str',
        '!!str "q"',
        '&a !!str k',
        '!!str &a k',
        '! k',
        '? [a]',
        '? {a: b}',
        'k l',
        '-k',
      ],
    ),
  },
  { weight: 1, arbitrary: plainText },
)

/** Flow collections on one line or several, indented or not. */
const { flow } = fc.letrec<{ flow: string; part: string }>((tie) => ({
  part: fc.oneof({ depthSize: 'small' }, scalar, scalar, tie('flow')),
  flow: fc
    .tuple(
      fc.boolean(),
      fc.array(fc.tuple(key, tie('part'), from(': ', ': ', ': ', ':', ' : ', ':\t')), {
        maxLength: 4,
      }),
      from(', ', ',', ',', ',\n', ',\n  ', ' ,\n\t', ', # c\n'),
      from('', '', '\n', '\n  ', ' '),
      from('', '', ','),
    )
    .map(([isMap, parts, comma, edge, last]) => {
      const all = parts.map(([key, part, colon]) => (isMap ? `${key}${colon}${part}` : part))
      const inner = `${edge}${all.join(comma)}${all.length > 0 ? last : ''}${edge}`
      return isMap ? `{${inner}}` : `[${inner}]`
    }),
}))

const indented = (text: string, by: string) => text.replace(/\n(?=[^\n])/g, `\n${by}`)

const literal = fc
  .tuple(
    from('|', '>', '|-', '>-', '|+', '>+', '|2', '>1-', '| # c'),
    fc.array(from('a', 'b c', '', '  d', '# e', '- f', 'g: h', '\ti', '---'), { maxLength: 4 }),
    from('  ', ' ', '    '),
  )
  .map(([head, lines, by]) =>
    [head, ...lines.map((line) => (line === '' ? '' : by + line))].join('\n'),
  )

/** Block collections. */
const { block } = fc.letrec<{ block: string; part: string; inner: string }>((tie) => ({
  inner: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(key, scalar).map(([key, value]) => `${key}: ${value}`),
    scalar,
    tie('block'),
  ),
  part: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: scalar.map((text) => ` ${text}`) },
    { weight: 1, arbitrary: flow.map((text) => ` ${text}`) },
    { weight: 1, arbitrary: flow.map((text) => ` ${indented(text, '  ')}`) },
    { weight: 1, arbitrary: literal.map((text) => ` ${text}`) },
    { weight: 1, arbitrary: scalar.map((text) => ` ${text}\n  more`) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          from('', '', ' &a', ' &b', ' # c', ' !!map'),
          from('  ', ' ', '    ', ''),
          tie('block'),
        )
        .map(([mark, by, text]) => `${mark}${indented(`\n${text}`, by)}`),
    },
  ),
  block: fc
    .tuple(
      from('map', 'map', 'list', 'compact list'),
      fc.array(
        fc.tuple(
          key,
          tie('part'),
          tie('inner'),
          fc.oneof(
            { weight: 20, arbitrary: fc.constant(':') },
            { weight: 2, arbitrary: from(' :', ':\t', '  :', ':  ') },
          ),
          fc.oneof(
            { weight: 20, arbitrary: from('', '', '', ' # c', '  ') },
            {
              weight: 1,
              arbitrary: from('\n', '\n  ', '\n# c', '\n   # c', '\n\t', '\n  \t', ' \t', '#c'),
            },
          ),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([style, parts]) =>
      parts
        .map(([key, part, inner, colon, end]) => {
          if (style === 'list') return `-${part}${end}`
          if (style === 'compact list') return `- ${indented(inner, '  ')}${end}`
          return `${key}${colon}${part}${part.includes('\n') ? '' : end}`
        })
        .join('\n'),
    ),
}))

/** A map with a merge key among other keys. The merged maps have some of these keys, too. */
const merging = fc
  .tuple(
    fc.array(fc.tuple(from('a', 'b', 'c'), from('1', 'x', '{d: 1}')), { maxLength: 3 }),
    from(
      '<<: *base',
      '<<: [*base, *other]',
      '<<: {a: 9}',
      '<<: [{a: 8}, *base]',
      '<<: x',
      '!!merge <<: *base',
      '"<<": *base',
      '<<: *other\n  <<: *base',
    ),
    fc.array(fc.tuple(from('a', 'b', 'c'), from('2', 'y', 'null')), { maxLength: 3 }),
  )
  .map(([before, merge, after]) => {
    const fields = (all: Array<[string, string]>) =>
      [...new Map(all)].map(([key, value]) => `  ${key}: ${value}`)
    return [
      'base: &base {a: 5, b: 6}',
      'other: &other {b: 7, e: 8}',
      'merged:',
      ...fields(before),
      `  ${merge}`,
      ...fields(after.filter(([key]) => !before.some(([earlier]) => earlier === key))),
    ].join('\n')
  })

const json = fc
  .tuple(
    fc.array(
      fc.json({ maxDepth: 2 }).map((value) => `{"a":${value}}`),
      { minLength: 1, maxLength: 3 },
    ),
    from('\n', '', ' ', '\n---\n', '\n\n'),
    from(
      ...['', '', '\n', '\nnot: json', '{', ']', ' ', '\n---\n', '\n---', '---', ' ---\n', '---\n'],
      ...[
        '\n--- # c\n',
        '\n--',
        '\n-',
        '\r\n---\r\n',
        '\n\n---\n',
        '\n...\n',
        '\n# c\n',
        '\n# c\n---\n',
      ],
      ...['\n---\na: 1\n', '\n---\n---\n', '\n --- \n', '# c', '\n#', '\n\ufeff'],
    ),
  )
  .map(([values, between, last]) => values.join(between) + last)

const document = fc.oneof(
  { weight: 6, arbitrary: block },
  { weight: 3, arbitrary: plainText.map((text) => `a: ${text}`) },
  { weight: 1, arbitrary: fc.tuple(key, scalar).map(([key, value]) => `${key}: ${value}`) },
  { weight: 2, arbitrary: flow },
  { weight: 2, arbitrary: flow.map((text) => `a:\n  b: ${text}\n  c: d`) },
  { weight: 1, arbitrary: quoted.map((text) => `a:\n  b: ${text}\n  c: d`) },
  { weight: 1, arbitrary: merging },
)

const stream = fc
  .tuple(
    from(
      '',
      '',
      '',
      '',
      '\ufeff',
      '---\n',
      '# c\n',
      '%YAML 1.1\n---\n',
      '%YAML 1.2\n---\n',
      '\n',
      '--- a\n',
      '\ufeff---\n',
    ),
    fc.array(document, { minLength: 1, maxLength: 3 }),
    from(
      '\n---\n',
      '\n--- # c\n',
      '\n---\n\ufeff',
      '\n---\n---\n',
      '\n...\n',
      '\n... # c\n---\n',
      '\n---',
    ),
    from('\n', '', '\n---\n', '\n...\n', '\n# c', '\n\n\n'),
    from('\n', '\n', '\n', '\n', '\r\n', '\r', '\u0085'),
  )
  .map(([first, all, between, last, end]) =>
    (first + all.join(between) + last).replaceAll('\n', end),
  )

/** A text with a few characters added or removed. */
const damaged = fc
  .tuple(
    stream,
    fc.array(fc.tuple(fc.nat(200), fc.nat(1), from(...' \n:-[]{},"\'#&*!|>?\t%a1', '')), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([text, changes]) =>
    changes.reduce((text, [at, remove, add]) => {
      const place = text.length === 0 ? 0 : at % text.length
      return text.slice(0, place) + add + text.slice(place + remove)
    }, text),
  )

/** A text of one or more documents. */
export const yamlFile: fc.Arbitrary<string> = fc.oneof(
  { weight: 7, arbitrary: stream },
  { weight: 2, arbitrary: damaged },
  { weight: 1, arbitrary: json },
)
