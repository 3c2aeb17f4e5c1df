// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// A point of G1: y^2 = x^3 + 3 over Fp. (0, 0) stands for infinity.
struct G1Point {
    uint256 X;
    uint256 Y;
}

/// A point of G2: y^2 = x^3 + 3/(9+i) over Fp2. Of each coordinate the real part comes first.
struct G2Point {
    uint256 xReal;
    uint256 xImaginary;
    uint256 yReal;
    uint256 yImaginary;
}

/// The curve bn254 (alt_bn128) through the precompiles of EIP-196, EIP-197 and EIP-198.
library BN254 {
    /// The order of the base field.
    uint256 internal constant P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    uint256 private constant MODEXP = 5;
    uint256 private constant ADD = 6;
    uint256 private constant PAIRING = 8;

    error PointNotOnCurve();

    function isInfinity(G1Point memory point) internal pure returns (bool) {
        return point.X == 0 && point.Y == 0;
    }

    /// The negative of a point with canonical coordinates.
    function negate(G1Point memory point) internal pure returns (G1Point memory) {
        return point.Y == 0 ? point : G1Point(point.X, P - point.Y);
    }

    /// Reverts unless both are on the curve with canonical coordinates: the precompile checks that.
    function add(G1Point memory a, G1Point memory b) internal view returns (G1Point memory sum) {
        uint256[4] memory input = [a.X, a.Y, b.X, b.Y];
        bool success;
        assembly ("memory-safe") {
            success := staticcall(gas(), ADD, input, 0x80, sum, 0x40)
        }
        if (!success) revert PointNotOnCurve();
    }

    /// Whether e(a1, a2) = e(b1, b2). False as well when an input is no point of its group: for G2 the precompile
    /// checks the prime-order subgroup too. `a1` is trusted to be canonical, for it is negated here.
    function pairingsEqual(G1Point memory a1, G2Point memory a2, G1Point memory b1, G2Point memory b2)
        internal
        view
        returns (bool)
    {
        G1Point memory negated = negate(a1);
        // EIP-197 wants the imaginary part first.
        uint256[12] memory input = [
            negated.X,
            negated.Y,
            a2.xImaginary,
            a2.xReal,
            a2.yImaginary,
            a2.yReal,
            b1.X,
            b1.Y,
            b2.xImaginary,
            b2.xReal,
            b2.yImaginary,
            b2.yReal
        ];
        uint256[1] memory result;
        bool success;
        assembly ("memory-safe") {
            success := staticcall(gas(), PAIRING, input, 0x180, result, 0x20)
        }
        return success && result[0] == 1;
    }

    /// base^exponent mod P.
    function power(uint256 base, uint256 exponent) internal view returns (uint256) {
        uint256[6] memory input = [uint256(32), 32, 32, base, exponent, P];
        uint256[1] memory result;
        assembly ("memory-safe") {
            // The precompile cannot fail on these lengths, except for want of gas; then there is nothing to save.
            if iszero(staticcall(gas(), MODEXP, input, 0xc0, result, 0x20)) { revert(0, 0) }
        }
        return result[0];
    }
}
