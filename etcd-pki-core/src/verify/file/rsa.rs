//! Checks the numbers of an RSA key as Go does before it uses the key: `checkPrivateKey` and
//! `checkPublicKey` of `crypto/internal/fips140/rsa`, which `x509.ParsePKCS1PrivateKey` calls
//! through `Precompute` and `Validate`.

use crypto_bigint::{BoxedUint, ConcatenatingMul as _, Gcd as _, Integer as _, NonZero};
use zeroize::Zeroizing;

/// The numbers as bytes, without leading zeros. All are positive.
pub(super) struct Numbers<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) public_exponent: i64,
    pub(super) private_exponent: &'a [u8],
    pub(super) primes: [&'a [u8]; 2],
    /// d mod p-1, d mod q-1, q^-1 mod p; Go computes them if one is absent
    pub(super) precomputed: Option<[&'a [u8]; 3]>,
}

impl Numbers<'_> {
    /// Whether the numbers match each other.
    pub(super) fn are_consistent(&self) -> bool {
        self.check().is_some()
    }

    fn check(&self) -> Option<()> {
        let [p, q] = self.primes;
        let longest = [self.modulus, self.private_exponent, p, q]
            .into_iter()
            .chain(self.precomputed.into_iter().flatten())
            .map(<[u8]>::len)
            .max()?;
        let precision = u32::try_from(longest.checked_mul(8)?).ok()?.max(64);
        let number = |bytes: &[u8]| {
            BoxedUint::from_be_slice(bytes, precision)
                .ok()
                .map(Zeroizing::new)
        };
        let one = BoxedUint::one_with_precision(precision);
        let exponent = u64::try_from(self.public_exponent).ok()?;
        let e = BoxedUint::from(exponent);
        let (n, d, p, q) = (
            number(self.modulus)?,
            number(self.private_exponent)?,
            number(p)?,
            number(q)?,
        );
        holds(bool::from(n.is_odd()))?;
        holds((2..1 << 31).contains(&exponent) && exponent % 2 == 1)?;
        holds(*p > one && *q > one && *d < *n && *p < *n && *q < *n)?;
        // Go only requires a multiple
        holds(bool::from(product(&p, &q, &n)?.is_zero()))?;
        let p_less = Zeroizing::new(p.wrapping_sub(&one));
        let q_less = Zeroizing::new(q.wrapping_sub(&one));
        let (dp, dq) = (remainder(&d, &p_less)?, remainder(&d, &q_less)?);
        let is_one = |a: &BoxedUint, b: &BoxedUint, modulus: &BoxedUint| {
            product(a, b, modulus).is_some_and(|rest| bool::from(rest.is_one()))
        };
        holds(is_one(&dp, &e, &p_less) && is_one(&dq, &e, &q_less))?;
        match self.precomputed {
            Some([given_dp, given_dq, inverse]) => {
                holds(*number(given_dp)? == *dp && *number(given_dq)? == *dq)?;
                let inverse = number(inverse)?;
                holds(*inverse < *p && is_one(&inverse, &q, &p))?;
            }
            // Go computes the inverse by Fermat's theorem
            None => holds(bool::from(p.is_odd() & q.gcd(&*p).is_one()))?,
        }
        let difference = Zeroizing::new(if *p > *q {
            p.wrapping_sub(&*q)
        } else {
            q.wrapping_sub(&*p)
        });
        let half = i64::from(n.bit_width_vartime() / 2);
        holds(!bool::from(difference.is_zero()))?;
        holds(i64::from(difference.bit_width_vartime()) > half - 100)?;
        holds(i64::from(d.bit_width_vartime()) > half)
    }
}

fn holds(condition: bool) -> Option<()> {
    condition.then_some(())
}

fn remainder(number: &BoxedUint, modulus: &BoxedUint) -> Option<Zeroizing<BoxedUint>> {
    let modulus = NonZero::new(modulus.clone()).into_option()?;
    Some(Zeroizing::new(number.rem(&modulus)))
}

fn product(a: &BoxedUint, b: &BoxedUint, modulus: &BoxedUint) -> Option<Zeroizing<BoxedUint>> {
    remainder(&a.concatenating_mul(b), modulus)
}
