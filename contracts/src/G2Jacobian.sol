// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {BN254, G2Point} from "./BN254.sol";
import {Fp2} from "./Fp2.sol";

/// Arithmetic on the twist in Jacobian coordinates, x = X/Z^2 and y = Y/Z^3. No precompile does it.
///
/// The formulas are incomplete: adding a point to itself or to its negative gives infinity (Z = 0). A hashed point has an order so
/// large that this does not happen, and clearCofactor reverts if it did.
library G2Jacobian {
    struct Point {
        uint256 x0;
        uint256 x1;
        uint256 y0;
        uint256 y1;
        uint256 z0;
        uint256 z1;
    }

    uint256 private constant P = BN254.P;
    /// The seed of the curve family without its leading bit.
    uint256 private constant SEED_TAIL = 4965661367192848881 - (1 << 62);
    /// (9 + i)^((P-1)/3) and (9 + i)^((P-1)/2): the factors of psi, which is untwist, Frobenius, twist.
    uint256 private constant PSI_X0 = 21575463638280843010398324269430826099269044274347216827212613867836435027261;
    uint256 private constant PSI_X1 = 10307601595873709700152284273816112264069230130616436755625194854815875713954;
    uint256 private constant PSI_Y0 = 2821565182194536844548159561693502659359617185244120367078079554186484126554;
    uint256 private constant PSI_Y1 = 3505843767911556378687030309984248845540243509899259641013678093033130930403;

    error PointAtInfinity();

    /// [u]P + psi([3u]P) + psi^2([u]P) + psi^3(P), the map of Fuentes-Castaneda, Knapp and Rodriguez-Henriquez
    /// ("Faster hashing to G2", SAC 2011), in nested form.
    function clearCofactor(G2Point memory point) internal view returns (G2Point memory) {
        Point memory base = Point(point.xReal, point.xImaginary, point.yReal, point.yImaginary, 1, 0);
        Point memory multiple = timesSeed(point);
        Point memory sum = add(multiple, psi(base));
        sum = add(add(double(multiple), multiple), psi(sum));
        return toAffine(add(multiple, psi(sum)));
    }

    function timesSeed(G2Point memory point) private pure returns (Point memory result) {
        result = Point(point.xReal, point.xImaginary, point.yReal, point.yImaginary, 1, 0);
        for (uint256 bit = 1 << 61; bit != 0; bit >>= 1) {
            result = double(result);
            if (SEED_TAIL & bit != 0) result = addAffine(result, point);
        }
    }

    function psi(Point memory a) private pure returns (Point memory r) {
        unchecked {
            (r.x0, r.x1) = Fp2.mul(a.x0, P - a.x1, PSI_X0, PSI_X1);
            (r.y0, r.y1) = Fp2.mul(a.y0, P - a.y1, PSI_Y0, PSI_Y1);
            (r.z0, r.z1) = (a.z0, addmod(P - a.z1, 0, P));
        }
    }

    /// "dbl-2009-l" of the Explicit-Formulas Database.
    function double(Point memory p) private pure returns (Point memory r) {
        (uint256 a0, uint256 a1) = Fp2.square(p.x0, p.x1);
        (uint256 b0, uint256 b1) = Fp2.square(p.y0, p.y1);
        (uint256 c0, uint256 c1) = Fp2.square(b0, b1);
        // d = 4 X Y^2
        (uint256 d0, uint256 d1) = Fp2.mul(p.x0, p.x1, b0, b1);
        (d0, d1) = twice(d0, d1);
        (d0, d1) = twice(d0, d1);
        // e = 3 X^2
        (uint256 e0, uint256 e1) = twice(a0, a1);
        (e0, e1) = Fp2.add(e0, e1, a0, a1);

        (uint256 x0, uint256 x1) = Fp2.square(e0, e1);
        (x0, x1) = Fp2.sub(x0, x1, d0, d1);
        (r.x0, r.x1) = Fp2.sub(x0, x1, d0, d1);

        (d0, d1) = Fp2.sub(d0, d1, r.x0, r.x1);
        (d0, d1) = Fp2.mul(e0, e1, d0, d1);
        (c0, c1) = twice(c0, c1);
        (c0, c1) = twice(c0, c1);
        (c0, c1) = twice(c0, c1);
        (r.y0, r.y1) = Fp2.sub(d0, d1, c0, c1);

        (a0, a1) = Fp2.mul(p.y0, p.y1, p.z0, p.z1);
        (r.z0, r.z1) = twice(a0, a1);
    }

    /// The sum with an affine point.
    function addAffine(Point memory p, G2Point memory q) private pure returns (Point memory r) {
        (uint256 zz0, uint256 zz1) = Fp2.square(p.z0, p.z1);
        (uint256 h0, uint256 h1) = Fp2.mul(q.xReal, q.xImaginary, zz0, zz1);
        (zz0, zz1) = Fp2.mul(zz0, zz1, p.z0, p.z1);
        (uint256 s0, uint256 s1) = Fp2.mul(q.yReal, q.yImaginary, zz0, zz1);
        (h0, h1) = Fp2.sub(h0, h1, p.x0, p.x1);
        (s0, s1) = Fp2.sub(s0, s1, p.y0, p.y1);
        (r.z0, r.z1) = Fp2.mul(p.z0, p.z1, h0, h1);
        finishAdd(r, p.x0, p.x1, p.y0, p.y1, h0, h1, s0, s1);
    }

    function add(Point memory p, Point memory q) private pure returns (Point memory r) {
        (uint256 pzz0, uint256 pzz1) = Fp2.square(p.z0, p.z1);
        (uint256 qzz0, uint256 qzz1) = Fp2.square(q.z0, q.z1);
        (uint256 u0, uint256 u1) = Fp2.mul(p.x0, p.x1, qzz0, qzz1);
        (uint256 h0, uint256 h1) = Fp2.mul(q.x0, q.x1, pzz0, pzz1);
        (h0, h1) = Fp2.sub(h0, h1, u0, u1);

        (qzz0, qzz1) = Fp2.mul(qzz0, qzz1, q.z0, q.z1);
        (pzz0, pzz1) = Fp2.mul(pzz0, pzz1, p.z0, p.z1);
        (qzz0, qzz1) = Fp2.mul(p.y0, p.y1, qzz0, qzz1);
        (pzz0, pzz1) = Fp2.mul(q.y0, q.y1, pzz0, pzz1);
        (pzz0, pzz1) = Fp2.sub(pzz0, pzz1, qzz0, qzz1);

        (r.z0, r.z1) = Fp2.mul(p.z0, p.z1, q.z0, q.z1);
        (r.z0, r.z1) = Fp2.mul(r.z0, r.z1, h0, h1);
        finishAdd(r, u0, u1, qzz0, qzz1, h0, h1, pzz0, pzz1);
    }

    /// X = s^2 - h^3 - 2 u h^2 and Y = s (u h^2 - X) - t h^3, where u and t are the first point's coordinates over the common
    /// denominator, and h and s the differences to the second's.
    function finishAdd(
        Point memory r,
        uint256 u0,
        uint256 u1,
        uint256 t0,
        uint256 t1,
        uint256 h0,
        uint256 h1,
        uint256 s0,
        uint256 s1
    ) private pure {
        (uint256 v0, uint256 v1) = Fp2.square(h0, h1);
        (h0, h1) = Fp2.mul(h0, h1, v0, v1);
        (v0, v1) = Fp2.mul(u0, u1, v0, v1);

        (uint256 x0, uint256 x1) = Fp2.square(s0, s1);
        (x0, x1) = Fp2.sub(x0, x1, h0, h1);
        (x0, x1) = Fp2.sub(x0, x1, v0, v1);
        (r.x0, r.x1) = Fp2.sub(x0, x1, v0, v1);

        (v0, v1) = Fp2.sub(v0, v1, r.x0, r.x1);
        (v0, v1) = Fp2.mul(s0, s1, v0, v1);
        (t0, t1) = Fp2.mul(t0, t1, h0, h1);
        (r.y0, r.y1) = Fp2.sub(v0, v1, t0, t1);
    }

    function toAffine(Point memory p) private view returns (G2Point memory q) {
        if (p.z0 == 0 && p.z1 == 0) revert PointAtInfinity();
        (uint256 i0, uint256 i1) = Fp2.inverse(p.z0, p.z1);
        (uint256 ii0, uint256 ii1) = Fp2.square(i0, i1);
        (q.xReal, q.xImaginary) = Fp2.mul(p.x0, p.x1, ii0, ii1);
        (ii0, ii1) = Fp2.mul(ii0, ii1, i0, i1);
        (q.yReal, q.yImaginary) = Fp2.mul(p.y0, p.y1, ii0, ii1);
    }

    function twice(uint256 a0, uint256 a1) private pure returns (uint256, uint256) {
        return Fp2.add(a0, a1, a0, a1);
    }
}
