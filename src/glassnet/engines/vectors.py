"""Functions of a float32 in plain arithmetic, which a compiler does for eight numbers at a time.

A call of the C library's ``expf`` stands alone in a loop; these are inlined into it. They are
within two units in the last place of the exact result.

Source: the Cephes library's single precision functions (Moshier, 1984-2000) for the ranges and the
coefficients of exp and tanh; Taylor's series for expm1.
"""

EXP = """
@njit(fastmath={"contract"})
def exp32(z):
    z = float32(89.4) if z > float32(89.4) else z
    z = float32(-104.0) if z < float32(-104.0) else z
    n = np.floor(z * float32(1.4426950408889634) + float32(0.5))
    r = z - n * float32(0.693359375)
    r = r - n * float32(-2.12194440e-4)
    p = float32(1.9875691500e-4) * r + float32(1.3981999507e-3)
    p = p * r + float32(8.3334519073e-3)
    p = p * r + float32(4.1665795894e-2)
    p = p * r + float32(1.6666665459e-1)
    p = p * r + float32(5.0000001201e-1)
    p = p * (r * r) + r + float32(1)
    power = np.int32(n)  # 2**n in two factors, for one alone may be beyond float32
    half = power >> 1
    one, other = np.int32((half + 127) << 23), np.int32((power - half + 127) << 23)
    return p * one.view(float32) * other.view(float32)
"""

TANH = """
@njit(fastmath={"contract"})
def tanh32(z):
    s = z * z
    p = float32(-5.70498872745e-3) * s + float32(2.06390887954e-2)
    p = p * s + float32(-5.37397155531e-2)
    p = p * s + float32(1.33314422036e-1)
    p = p * s + float32(-3.33332819422e-1)
    far = float32(1) - float32(2) / (exp32(float32(2) * np.absolute(z)) + float32(1))
    far = far if z > float32(0) else -far
    return p * s * z + z if np.absolute(z) < float32(0.625) else far
"""

EXPM1 = """
@njit(fastmath={"contract"})
def expm1_32(z):
    p = float32(1 / 40320) * z + float32(1 / 5040)
    p = p * z + float32(1 / 720)
    p = p * z + float32(1 / 120)
    p = p * z + float32(1 / 24)
    p = p * z + float32(1 / 6)
    p = p * z + float32(1 / 2)
    near = p * (z * z) + z
    return near if np.absolute(z) < float32(0.5) else exp32(z) - float32(1)
"""

# thousands of branches in one function are more than Numba can follow; this one has none of them
CHOOSE = """
@njit()
def choose(condition, one, other):
    return one if condition else other
"""

# by the vocabulary's names: what is called instead, and the functions that it takes
FLOAT32 = {
    "exp": ("exp32({0})", (EXP,)),
    "tanh": ("tanh32({0})", (EXP, TANH)),
    "expm1": ("expm1_32({0})", (EXP, EXPM1)),
}
