"""What people call things in networks that they write from scratch.

Names are compared without underscores and capitals: feed_forward is feedForward is feedforward.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# methods, the likeliest first
FORWARD = _words(
    "forward feedforward forwardpass forwardpropagation forwardpropagate forwardprop "
    "forwardpropogation propagate propagateforward fwd think query predictproba "
    "predictprobability predictprobabilities probabilities activate run computeoutput "
    "calculateoutput getoutput evaluate scores hypothesis infer inference call predict loss"
)
BACKWARD = _words(
    "backward backprop backpropagate backpropagation backwardpass backwardpropagation "
    "backwardpropagate backwardprop propagatebackward propagateback backpropagateerror bwd "
    "backwardpropogation gradient gradients grads computegradients computegradient "
    "calculategradients getgradients grad lossandgradients lossandgradient lossandgrad loss "
    "cost costfunction trainstep trainingstep trainonbatch trainbatch trainsample updateminibatch "
    "learn step updateweights update updateparameters partialfit gradientdescentstep gdstep "
    "gradientstep optimize sgdstep"
)
UPDATE = _words(
    "update updateweights updateparameters updateparams updateweightsandbiases step "
    "applygradients applygrads apply gradientstep gradientdescentstep gradientdescent optimize "
    "optimizerstep updatenetwork updatelayers descend"
)
TRAIN = _words(
    "train fit learn trainepoch trainoneepoch trainnetwork trainmodel sgd gradientdescent "
    "training minibatchgd batchgd optimize fitmodel"
)
# parts of other names that methods may have; and those that only a part of a network has
LIKE_FORWARD = "forward|predict|output"
LIKE_BACKWARD = "backward|backprop|gradient|^grad"
LIKE_UPDATE = "update|descent|optimi|applygrad"
LIKE_TRAIN = "train|fit|learn|epoch"
NOT_WHOLE = "layer(?!model)|linear|activation|single|print|plot|save|load|loss|cost|accuracy|init"
# functions that are a loss
OWN = _words(
    "loss computeloss calculateloss calcloss getloss lossfunction lossfunc lossfn cost "
    "computecost calculatecost costfunction costfn getcost crossentropy crossentropyloss "
    "categoricalcrossentropy categoricalcrossentropyloss binarycrossentropy "
    "binarycrossentropyloss bce bceloss logloss mse mseloss meansquarederror meansquarederrorloss "
    "squarederror sse sumsquarederror nll nllloss objective computecrossentropy computemse "
    "crossentropycost quadraticcost l2loss softmaxloss"
)
# what an output is called that is kept and not returned
KEPT = _words("output outputs yhat ypred o out prediction predictions probs a3 a2 finaloutput a")

# arguments of methods, by what they are for
ARGUMENTS = {
    "X": "x xs a a0 in inp input inputs feature features sample samples observation observations "
    "example examples inputdata datainput xb inputlayer",
    "y": "y ys t target targets label labels truth ytrue truelabel truelabels expected desired "
    "groundtruth answer answers actual correct yb expectedoutput expectedoutputs desiredoutput "
    "targetoutput targetoutputs outputdata trueoutput yactual",
    "out": "o out output outputs yhat ypred pred preds prediction predictions predicted p prob "
    "probs probabilities proba a2 a3 al finaloutput predictedoutput predictedoutputs "
    "outputactivation finaloutputs yp",
    "rate": "lr alpha eta rate learningrate learnrate lrate stepsize gamma learningcoefficient",
    "epochs": "epoch epochs nepochs numepochs epochsnum iterations niterations iters niter "
    "numiters numiterations steps nsteps maxiter maxiters maxiterations numberofiterations "
    "trainingiterations times rounds nepoch epochcount noiterations repetitions "
    "numberofepochs iteration",
    "rows": "batchsize minibatchsize minibatch size bs m n nsamples",
    "cache": "cache caches memory context intermediate intermediates forwardcache",
    "quiet": "verbose printcost printloss debug verbosity plot log showprogress shuffle display",
    "dout": "dout gradoutput outputgradient lossgrad dloss doutput outgrad dl dy dyhat "
    "lossgradient",
    "pairs": "data trainingdata dataset minibatch batch pairs",
}
# arguments of classes that are sizes
SIZES = {
    "input": "inputsize inputdim inputs ninputs nin numinputs inputnodes inputneurons inodes nx "
    "infeatures nfeatures numfeatures inputunits inputlayersize inputlayer ninput numinput indim "
    "sizein din dinput insize inputfeatures nfeature features dim "
    "inputlayerneurons inputlayernodes",
    "output": "outputsize outputdim outputs noutputs nout numoutputs outputnodes outputneurons "
    "onodes ny outfeatures nclasses numclasses classes outputunits outputlayersize outputlayer "
    "noutput numoutput outdim sizeout dout doutput outsize outputlayerneurons outputlayernodes k",
    "sizes": "sizes layers layersizes layerdims layersdims layerssizes dims architecture topology "
    "shape layerssize nn layernodes unitsperlayer structure neurons layerneurons nodes config",
    "hiddens": "hiddensizes hiddenlayers hiddenlayersizes hiddendims hiddens hiddenunitslist",
}
