import { describe, expect, it } from 'vitest'
import { readProblem } from './read-problem.ts'

describe('readProblem', () => {
  it('keeps the whole sentence before the JSON within a message, and the codes and sentences in that', () => {
    const inner = [
      { isValid: false, message: 'Property "x" does not exist', error: 'PROPERTY_DOESNT_EXIST', name: 'x' },
    ]
    const problem = readProblem({
      message: `Property values were not valid: ${JSON.stringify(inner)}`,
      category: 'VALIDATION_ERROR',
    })
    expect(problem.messages).toEqual(['Property values were not valid: ', 'Property "x" does not exist'])
    expect([...problem.codes].toSorted()).toEqual(['PROPERTY_DOESNT_EXIST', 'VALIDATION_ERROR'])
    expect(problem.summary).toMatch(/^PROPERTY_DOESNT_EXIST VALIDATION_ERROR: Property values were not valid/)
  })

  it('takes a message without JSON as it is, whatever signs it holds', () => {
    expect(readProblem({ message: 'expected { or [ here' }).messages).toEqual(['expected { or [ here'])
  })

  it('takes a code only from where HubSpot writes codes', () => {
    expect(readProblem({ subCategory: 'crm.OBJECT_NOT_FOUND', firstName: 'INVALID_EMAIL' }).codes).toEqual(
      new Set(['OBJECT_NOT_FOUND']),
    )
  })
})
