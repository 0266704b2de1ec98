import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

const { createContext } = vm;

/**
 * Jest's own environment with an ordinary global object. Jest hands vm a proxy instead, and then every use of a global
 * (Math, Number, Float64Array) calls back out of compiled code: what trains or encodes took three times as long.
 */
export default class PlainGlobalEnvironment extends TestEnvironment {
  constructor(config, context) {
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
